/** Numbers that follow from a seed alone. */
export interface Random {
  /** A whole number, both ends included. */
  int(min: number, max: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  /** That many bytes as hex digits. */
  hex(bytes: number): string
}

/** Mulberry32: 32 bits of state are enough to tell seeds apart, and it costs nanoseconds. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1))
  return {
    int,
    chance: probability => next() < probability,
    pick: list => list[int(0, list.length - 1)] as (typeof list)[number],
    hex: bytes => Array.from({ length: bytes }, () => int(0, 255).toString(16).padStart(2, '0')).join(''),
  }
}
