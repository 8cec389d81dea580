import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** A checksum that grows with its bytes. */
export interface Digest<V> {
  add(data: Uint8Array): void
  /** Of the bytes so far; more may follow. */
  value(): V
}

export function crc32Digest(): Digest<number> {
  let crc = 0
  return {
    add(data) {
      // crc32 of an empty buffer forgets the value that it was given.
      if (data.length > 0) crc = crc32(data, crc)
    },
    value: () => crc,
  }
}

/** 64 lower-case hex digits. */
export function sha256Digest(): Digest<string> {
  const hash = createHash('sha256')
  return {
    add(data) {
      hash.update(data)
    },
    value: () => hash.copy().digest('hex'),
  }
}
