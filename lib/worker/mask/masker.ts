import type { Buffer } from 'node:buffer'

/** Finds patterns in bytes. Whether a byte is hidden depends on the bytes around it, `reachBytes` on each side. */
export interface Masker {
  /** One less than the longest pattern has. */
  readonly reachBytes: number
  /** Writes an asterisk over each byte of each pattern that lies in `bytes` as a whole; patterns may overlap. */
  mask(bytes: Buffer): void
  /** Where the first pattern may begin that does not end in `bytes`: what comes next decides. Their length when none. */
  heldFrom(bytes: Buffer): number
}

const ASTERISK = 0x2a
/** Patterns are looked up by their first bytes, after a look into a table of hashes: most bytes go no further. */
const START_BYTES = 4
const HASH_BITS = 16

/** @param patterns each of START_BYTES or more */
export function createMasker(patterns: readonly Buffer[]): Masker {
  const byStart = new Map<number, Buffer[]>()
  const isStart = new Uint8Array(1 << HASH_BITS)
  /** What a pattern may begin with where fewer than START_BYTES are there. */
  const shortStarts = new Set<string>()
  for (const pattern of [...patterns].sort((a, b) => b.length - a.length)) {
    const start = pattern.readUInt32LE(0)
    isStart[hashOf(start)] = 1
    byStart.set(start, [...(byStart.get(start) ?? []), pattern])
    for (let length = 1; length < START_BYTES; length++) shortStarts.add(pattern.toString('latin1', 0, length))
  }
  const reachBytes = Math.max(1, ...patterns.map(({ length }) => length)) - 1

  /** Calls back with the patterns that begin as the bytes at `at` do, longest first; stops when that returns true. */
  function scan(bytes: Buffer, from: number, visit: (at: number, candidates: readonly Buffer[]) => boolean): void {
    const last = bytes.length - START_BYTES
    if (from > last) return
    let start = bytes.readUIntLE(from, START_BYTES - 1) << 8
    for (let at = from; at <= last; at++) {
      start = (start >>> 8) | (bytes[at + START_BYTES - 1]! << 24)
      if (isStart[hashOf(start)] === 0) continue
      const candidates = byStart.get(start >>> 0)
      if (candidates && visit(at, candidates)) return
    }
  }

  return {
    reachBytes,
    mask(bytes) {
      const hidden: { from: number; to: number }[] = []
      scan(bytes, 0, (at, candidates) => {
        const pattern = candidates.find(candidate => isAt(candidate, bytes, at, candidate.length))
        if (pattern) hidden.push({ from: at, to: at + pattern.length })
        return false
      })
      // Only now: a pattern may begin within another one.
      for (const { from, to } of hidden) bytes.fill(ASTERISK, from, to)
    },
    heldFrom(bytes) {
      let held = bytes.length
      scan(bytes, Math.max(0, bytes.length - reachBytes), (at, candidates) => {
        const left = bytes.length - at
        const isOpen = candidates.some(pattern => pattern.length > left && isAt(pattern, bytes, at, left))
        if (isOpen) held = at
        return isOpen
      })
      if (held < bytes.length) return held
      for (let left = Math.min(START_BYTES - 1, bytes.length); left > 0; left--)
        if (shortStarts.has(bytes.toString('latin1', bytes.length - left))) return bytes.length - left
      return bytes.length
    },
  }
}

const hashOf = (start: number): number => Math.imul(start, 0x9e3779b1) >>> (32 - HASH_BITS)

/** Whether the first `length` bytes of the pattern stand at `at`. */
const isAt = (pattern: Buffer, bytes: Buffer, at: number, length: number): boolean =>
  at + length <= bytes.length && bytes.compare(pattern, 0, length, at, at + length) === 0
