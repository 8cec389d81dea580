import { Buffer } from 'node:buffer'
import { LIMITS } from '../../../protocol/limits.js'

/** Room for the frame around a page. */
const ENVELOPE_BYTES = 4_096

/** What a row of a list takes as a rule, generously: set aside before a page is read, not a limit. */
const ROW_BYTES = 2_048

export const pageBytes = (rows: number): number => ENVELOPE_BYTES + rows * ROW_BYTES

/**
 * The first items that fit into one reply together, at least one. What is left out belongs to the next page.
 * No single row is larger than a reply: each of its texts and lists has a limit.
 */
export function fitPage<T>(items: readonly T[]): readonly T[] {
  let bytes = ENVELOPE_BYTES
  for (let count = 0; count < items.length; count++) {
    bytes += encodedBytesMax(items[count])
    if (bytes > LIMITS.replyBytesMax.value && count > 0) return items.slice(0, count)
  }
  return items
}

/** At least as many bytes as MessagePack needs for `value`. */
export function encodedBytesMax(value: unknown): number {
  if (typeof value === 'string') return 5 + Buffer.byteLength(value)
  if (value instanceof Uint8Array) return 5 + value.length
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + encodedBytesMax(item), 5)
  if (typeof value !== 'object' || value === null) return 9
  let bytes = 5
  for (const [key, item] of Object.entries(value)) bytes += 5 + Buffer.byteLength(key) + encodedBytesMax(item)
  return bytes
}
