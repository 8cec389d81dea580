import { isUtf8 } from 'node:buffer'
import { JankinsError } from './errors.js'
import { LIMITS } from './limits.js'

/**
 * Walks the structure of one MessagePack value without building anything, because the decoder behind it allocates by
 * declared counts and recurses without a limit: 10 KB of nested array headers end the process there.
 *
 * Refuses what is cut off or followed by more bytes, depth over LIMITS.depthMax, a count above the bytes that are left,
 * more than `nodesMax` values (map keys count), extension types, keys that are not text or are `__proto__`, text that
 * is not UTF-8, and integers that a double cannot hold. What passes, the decoder decodes without an error.
 * @throws JankinsError E_BAD_FRAME with detail.reason and detail.offset, bytes from the start of `body`
 */
export function scan(body: Uint8Array, nodesMax: number = LIMITS.nodesMax.value): void {
  let offset = 0
  let nodes = 0
  let depth = 0
  /** Values still to come in the innermost container; a map counts keys and values, so a key is due at even ones. */
  let left = 1
  let inMap = false
  while (left > 0) {
    const start = offset
    if (offset >= body.length) throw bad('cut off', start)
    if (++nodes > nodesMax) throw bad('too many values', start)
    const head = body[offset++] as number
    const kind = KINDS[head] as number
    const wide = WIDTHS[head] as number
    if (wide > body.length - offset) throw bad('cut off', start)
    const keyDue = inMap && (left & 1) === 0
    if (keyDue && kind !== TEXT) throw bad('a map key that is not text', start)
    left--
    if (kind <= WIDE_INTEGER) {
      if (kind === WIDE_INTEGER && !isSafe(body, offset, head)) throw bad('an integer beyond 2^53 - 1', start)
      offset += wide
    } else if (kind === REFUSED) {
      throw bad('a type that this protocol does not use', start)
    } else {
      const count = wide === 0 ? head & (kind === TEXT ? 0x1f : 0x0f) : readLength(body, offset, wide)
      offset += wide
      const atLeast = kind === MAP ? 2 * count : count
      if (atLeast > body.length - offset) throw bad('a length beyond the end of the frame', start)
      if (kind === TEXT || kind === BINARY) {
        if (kind === TEXT && !isText(body, offset, offset + count)) throw bad('text that is not UTF-8', start)
        if (keyDue && count === PROTO.length && isProto(body, offset)) throw bad('the map key __proto__', start)
        offset += count
      } else {
        if (depth === LIMITS.depthMax.value) throw bad('nested too deeply', start)
        leftBelow[depth] = left
        inMapBelow[depth] = inMap ? 1 : 0
        depth++
        left = atLeast
        inMap = kind === MAP
      }
    }
    while (left === 0 && depth > 0) {
      depth--
      left = leftBelow[depth] as number
      inMap = inMapBelow[depth] === 1
    }
  }
  if (offset < body.length) throw bad('bytes after the end', offset)
}

// What a head byte announces. The order matters: what is at most WIDE_INTEGER has a fixed size.
const SCALAR = 0
const WIDE_INTEGER = 1
const REFUSED = 2
const TEXT = 3
const BINARY = 4
const LIST = 5
const MAP = 6

const KINDS = new Uint8Array(256)
/** Bytes after the head: of the value where its size is fixed, else of its length. */
const WIDTHS = new Uint8Array(256)
const UINT64 = 0xcf

function announce(firstHead: number, lastHead: number, kind: number, ...widths: readonly number[]): void {
  for (let head = firstHead; head <= lastHead; head++) {
    KINDS[head] = kind
    WIDTHS[head] = widths[head - firstHead] ?? 0
  }
}
announce(0x00, 0x7f, SCALAR) // positive fixint
announce(0x80, 0x8f, MAP)
announce(0x90, 0x9f, LIST)
announce(0xa0, 0xbf, TEXT)
announce(0xc0, 0xc0, SCALAR) // nil
announce(0xc1, 0xc1, REFUSED) // never used by MessagePack
announce(0xc2, 0xc3, SCALAR) // false, true
announce(0xc4, 0xc6, BINARY, 1, 2, 4)
announce(0xc7, 0xc9, REFUSED) // ext 8, 16, 32
announce(0xca, 0xcb, SCALAR, 4, 8) // float 32, 64
announce(0xcc, 0xce, SCALAR, 1, 2, 4) // uint 8, 16, 32
announce(UINT64, UINT64, WIDE_INTEGER, 8)
announce(0xd0, 0xd2, SCALAR, 1, 2, 4) // int 8, 16, 32
announce(0xd3, 0xd3, WIDE_INTEGER, 8) // int 64
announce(0xd4, 0xd8, REFUSED) // fixext
announce(0xd9, 0xdb, TEXT, 1, 2, 4)
announce(0xdc, 0xdd, LIST, 2, 4)
announce(0xde, 0xdf, MAP, 2, 4)
announce(0xe0, 0xff, SCALAR) // negative fixint

// The containers around the innermost one. One scan runs at a time per thread, so they are shared.
const leftBelow = new Uint32Array(LIMITS.depthMax.value)
const inMapBelow = new Uint8Array(LIMITS.depthMax.value)

function readLength(body: Uint8Array, offset: number, wide: number): number {
  let length = 0
  for (let i = 0; i < wide; i++) length = length * 256 + (body[offset + i] as number)
  return length
}

function isSafe(body: Uint8Array, offset: number, head: number): boolean {
  const high = readLength(body, offset, 4)
  if (high <= 0x1fffff) return true
  // Negative down to -(2^53 - 1): the upper half has its 11 highest bits set, and -2^53 itself is left out.
  if (head === UINT64 || high < 0xffe00000) return false
  return high > 0xffe00000 || readLength(body, offset + 4, 4) > 0
}

/** Most text is short and ASCII: a loop is then faster than a call out of JavaScript. */
function isText(body: Uint8Array, start: number, end: number): boolean {
  const asciiEnd = Math.min(end, start + 64)
  let i = start
  while (i < asciiEnd && (body[i] as number) < 0x80) i++
  return i === end || isUtf8(body.subarray(i, end))
}

const PROTO = new TextEncoder().encode('__proto__')
const isProto = (body: Uint8Array, offset: number): boolean =>
  body[offset] === PROTO[0] && PROTO.every((byte, i) => body[offset + i] === byte)

const bad = (reason: string, offset: number): JankinsError => new JankinsError('E_BAD_FRAME', { reason, offset })
