import type { Clock, Timer } from '../../lib/base/clock.js'

interface Entry {
  readonly dueAtMs: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that stands still until the test moves it. Wall and monotonic time move together unless `step` is called. */
export class FakeClock implements Clock {
  #nowMs: number
  #monotonicMs = 1_000
  #order = 0
  readonly #entries = new Set<Entry>()
  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs
  }
  nowMs(): number {
    return this.#nowMs
  }
  monotonicMs(): number {
    return this.#monotonicMs
  }
  after(delayMs: number, callback: () => void): Timer {
    const entry: Entry = { dueAtMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#entries.add(entry)
    return { cancel: () => this.#entries.delete(entry) }
  }
  /** Timers that are neither due nor cancelled: what a leak check looks at. */
  get pendingCount(): number {
    return this.#entries.size
  }
  /** Moves only the wall clock, as an administrator or NTP does. */
  step(deltaMs: number): void {
    this.#nowMs += deltaMs
  }
  /** Moves time on: runs due timers in order, each at its own time, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms
    await settle()
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#entries.delete(next)
      this.#moveTo(next.dueAtMs)
      next.callback()
      await settle()
    }
    this.#moveTo(untilMs)
  }
  #moveTo(monotonicMs: number): void {
    if (monotonicMs <= this.#monotonicMs) return
    this.#nowMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }
  #next(untilMs: number): Entry | undefined {
    let best: Entry | undefined
    for (const entry of this.#entries) {
      if (entry.dueAtMs > untilMs) continue
      if (!best || entry.dueAtMs < best.dueAtMs || (entry.dueAtMs === best.dueAtMs && entry.order < best.order))
        best = entry
    }
    return best
  }
}

/**
 * Lets everything run that waits for no timer and no disk: promises, and what the parts put off by setImmediate (a
 * batch of writes, for one). What waits for a disk is waited for by its own promise.
 */
export async function settle(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Real time after which what a test waits for is taken for something that never comes: far beyond a busy machine. */
export const PATIENCE_MS = 120_000

/** Lets everything run, the disk too, until the condition holds: for what announces itself by no event. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const startedAtMs = performance.now()
  while (!(await condition())) {
    if (performance.now() - startedAtMs > PATIENCE_MS) throw new Error(`never happened: ${what}`)
    await settle(1)
  }
}
