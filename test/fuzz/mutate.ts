import type { Random } from '../sim/random.js'

/** Bytes at which formats change their minds: zero, the ends of ranges, the headers of MessagePack with large counts. */
const TELLING = [0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc6, 0xc9, 0xcf, 0xdb, 0xdd, 0xdf]
const LENGTH_MAX = 64 * 1024

export const randomBytes = (random: Random, bytesMax: number): Buffer =>
  Buffer.from(random.hex(random.int(0, bytesMax)), 'hex')

/** The bytes with one to eight changes: turned over, cut out, put in, doubled, joined with others of `corpus`. */
export function mutate(random: Random, bytes: Buffer, corpus: readonly Buffer[]): Buffer {
  let now: Buffer = Buffer.from(bytes)
  for (let left = random.int(1, 8); left > 0; left--) now = change(random, now, corpus)
  return now.subarray(0, LENGTH_MAX)
}

function change(random: Random, bytes: Buffer, corpus: readonly Buffer[]): Buffer {
  const at = random.int(0, bytes.length)
  const end = Math.min(bytes.length, at + random.int(0, 16))
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (random.int(0, 7)) {
    case 0:
      return Buffer.concat([before, bytes.subarray(end)])
    case 1:
      return Buffer.concat([before, randomBytes(random, 16), after])
    case 2:
      return Buffer.concat([before, bytes.subarray(at, end), after])
    case 3:
      return Buffer.from(before)
    case 4: {
      const other = random.pick(corpus)
      return Buffer.concat([before, other.subarray(random.int(0, other.length))])
    }
    case 5:
      return withByte(bytes, at, random.pick(TELLING))
    case 6:
      return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.int(0, 7)))
    default:
      return withByte(bytes, at, random.int(0, 255))
  }
}

function withByte(bytes: Buffer, at: number, value: number): Buffer {
  if (at < bytes.length) bytes[at] = value
  return bytes
}
