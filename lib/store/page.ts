import { Buffer } from 'node:buffer'
import { LIMITS } from '../../protocol/limits.js'

/** Half of what a reply may be: the other fields of the page and of its frame fit into the rest. */
const BYTES_MAX = LIMITS.replyBytesMax.value / 2
const NODES_MAX = LIMITS.nodesMax.value / 2

/** The rows from the first on that fit into one reply; always at least one, if there is one. */
export function fitReply<Row>(rows: readonly Row[]): readonly Row[] {
  const sum: Size = { bytes: 0, nodes: 0 }
  for (const [index, row] of rows.entries()) {
    measure(row, sum)
    if (index > 0 && (sum.bytes > BYTES_MAX || sum.nodes > NODES_MAX)) return rows.slice(0, index)
  }
  return rows
}

interface Size {
  bytes: number
  nodes: number
}

/** Adds what `value` takes on the wire, at most; map keys count. */
function measure(value: unknown, sum: Size): void {
  sum.nodes++
  // The longest prefix of a value is that of a float64.
  sum.bytes += 9
  if (typeof value === 'string') sum.bytes += Buffer.byteLength(value)
  else if (Array.isArray(value)) for (const item of value) measure(item, sum)
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) {
      measure(key, sum)
      measure(item, sum)
    }
}
