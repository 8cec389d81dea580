import { Buffer } from 'node:buffer'
import { type Name, parseName } from '../../../protocol/ids.js'

/** Fields that are NULL in a row are missing in a value: drops them. The caller's type says which may be missing. */
export function present<T>(fields: { readonly [K in keyof T]: T[K] | null | undefined }): T {
  const result: Record<string, unknown> = {}
  for (const key in fields) if (fields[key] !== null && fields[key] !== undefined) result[key] = fields[key]
  return result as T
}

/** Ids of hex digits are kept as bytes. */
export const hexOf = <Id extends string>(bytes: Buffer | null): Id | null =>
  bytes === null ? null : (bytes.toString('hex') as Id)

export const bytesOf = (hex: string | undefined): Buffer | null => (hex === undefined ? null : Buffer.from(hex, 'hex'))

/** Stands for an account or a worker that a damaged row no longer names. */
export const NO_NAME = parseName('unknown') as Name
