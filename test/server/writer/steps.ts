import type { Words } from '../../../lib/server/slot-table.js'

/** Code that runs one access to shared memory at a time. */
export interface Steps {
  readonly words: unknown
  start<T>(code: () => T): Stepped<T>
}

export interface Stepped<T> {
  readonly done: boolean
  readonly result: T | undefined
  step(): void
}

class Pause extends Error {}

/**
 * Lets a test choose after each access to shared memory who goes on. A step runs the code from its beginning: accesses
 * that it has made before are answered from its record, the next one is made, and the one after it stops the code.
 * Code that has no other effect than these accesses cannot tell the difference.
 */
export function createSteps(): Steps {
  /** What the running code has read so far; undefined while nothing is stepped: accesses are made at once. */
  let run: { readonly record: number[]; at: number; left: number } | undefined
  const access = (make: () => number): number => {
    if (!run) return make()
    if (run.at === run.record.length) {
      if (run.left-- === 0) throw new Pause()
      run.record.push(make())
    }
    return run.record[run.at++] as number
  }
  const words: Pick<Words, keyof Words> = {
    load: ((array: Int32Array, index: number) => access(() => Atomics.load(array, index))) as Words['load'],
    store: ((array: Int32Array, index: number, value: number) =>
      access(() => Atomics.store(array, index, value))) as Words['store'],
    add: ((array: Int32Array, index: number, value: number) =>
      access(() => Atomics.add(array, index, value))) as Words['add'],
    compareExchange: ((array: Int32Array, index: number, expected: number, value: number) =>
      access(() => Atomics.compareExchange(array, index, expected, value))) as Words['compareExchange'],
  }
  return {
    words,
    start<T>(code: () => T): Stepped<T> {
      const record: number[] = []
      const stepped = { done: false, result: undefined as T | undefined }
      return Object.assign(stepped, {
        step() {
          run = { record, at: 0, left: 1 }
          try {
            stepped.result = code()
            stepped.done = true
          } catch (error) {
            if (!(error instanceof Pause)) throw error
          } finally {
            run = undefined
          }
        },
      })
    },
  }
}
