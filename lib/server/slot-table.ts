import type { SlotRef } from './slots.js'

/** The part of Atomics that slots use. */
export type Words = Pick<typeof Atomics, 'load' | 'store' | 'add' | 'compareExchange'>

const FREE = 0
const STATE_BITS = 2
const STATE_MASK = (1 << STATE_BITS) - 1
const GENERATION_MAX = 2 ** (32 - STATE_BITS) - 1

/**
 * Slots of equal size in shared memory. The first word of each holds generation and state together, so that one
 * compare-and-swap tells both. Only one thread opens, closes and swaps; any thread may look.
 */
export class SlotTable {
  readonly words: Int32Array<SharedArrayBuffer>
  readonly atomics: Words
  readonly #wordsEach: number
  readonly #count: number
  /** Closed slots, for the opening thread alone; behind `#fresh` are those that were never opened. */
  readonly #closed: number[] = []
  #fresh = 0

  static bytes(count: number, wordsEach: number): number {
    return count * wordsEach * Int32Array.BYTES_PER_ELEMENT
  }

  constructor(buffer: SharedArrayBuffer, wordsEach: number, atomics: Words) {
    this.words = new Int32Array(buffer)
    this.atomics = atomics
    this.#wordsEach = wordsEach
    this.#count = Math.floor(this.words.length / wordsEach)
  }

  /** `clear` makes the slot's other words ready before anybody can take it for open. Undefined: none is free. */
  open(state: number, clear: (at: number) => void): SlotRef | undefined {
    const index = this.#closed.pop() ?? (this.#fresh < this.#count ? this.#fresh++ : undefined)
    if (index === undefined) return undefined
    const at = index * this.#wordsEach
    const last = this.atomics.load(this.words, at) >>> STATE_BITS
    const generation = last === GENERATION_MAX ? 1 : last + 1
    clear(at)
    this.atomics.store(this.words, at, word(generation, state))
    return { index, generation }
  }

  close(ref: SlotRef): void {
    if (this.state(ref) === undefined) return
    this.atomics.store(this.words, this.at(ref), word(ref.generation, FREE))
    this.#closed.push(ref.index)
  }

  /** Index of the slot's first word. */
  at(ref: SlotRef): number {
    return ref.index * this.#wordsEach
  }

  /** Undefined when the slot is closed, or open for another one. */
  state(ref: SlotRef): number | undefined {
    const found = this.atomics.load(this.words, this.at(ref))
    const state = found & STATE_MASK
    return found >>> STATE_BITS === ref.generation && state !== FREE ? state : undefined
  }

  swap(ref: SlotRef, from: number, to: number): boolean {
    const expected = word(ref.generation, from)
    return this.atomics.compareExchange(this.words, this.at(ref), expected, word(ref.generation, to)) === expected
  }
}

const word = (generation: number, state: number): number => (generation << STATE_BITS) | state
