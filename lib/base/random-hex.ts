import { Buffer } from 'node:buffer'
import { randomFillSync } from 'node:crypto'

/** A call for random bytes costs the same for 16 of them as for this many. */
const POOL_BYTES = 4_096

/** @returns gives hex digits of so many bytes, POOL_BYTES at most, which nobody can guess and nobody was given before */
export function createRandomHex(): (bytes: number) => string {
  const pool = Buffer.alloc(POOL_BYTES)
  let offset = POOL_BYTES
  return bytes => {
    if (offset + bytes > POOL_BYTES) {
      randomFillSync(pool)
      offset = 0
    }
    const hex = pool.toString('hex', offset, offset + bytes)
    offset += bytes
    return hex
  }
}
