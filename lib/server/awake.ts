import { availableParallelism } from 'node:os'
import { type Clock, systemClock } from '../base/clock.js'

/** How long a thread turns without work: some times what it takes to fall asleep and to be woken. */
const AWAKE_MS = 0.4
/**
 * Calls that come within `gapMs` of the answer before are a stream when there were `from` of them; one that comes later
 * halves their count.
 */
const STREAM = { gapMs: 1, from: 8, max: 16 } as const
/** A turn without work takes microseconds: where one takes so long, somebody else has had the processor. */
const TAKEN_MS = 3
/** For how long it is left to them then; twice as long when they take it again that soon after. */
const REST = { minMs: 50, maxMs: 5_000, againMs: 200 } as const

export interface AwakeParts {
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Calls back in the next turn of the loop, which does not sleep before it. */
  turn(callback: () => void): void
  readonly processors: number
}

/** What a thread at one end of a port says of what goes through it. */
export interface Awake {
  called(): void
  answered(): void
  /** There is nothing to do before the next message. */
  waits(): void
}

const here: AwakeParts = { clock: systemClock, turn: setImmediate, processors: availableParallelism() }

/**
 * Keeps a thread from falling asleep where its next message is microseconds away: to sleep and to be woken takes both
 * sides longer than the work of most requests. Only while calls follow answers at once, as those of a client that asks
 * for one thing after the other do, only for a moment each time, and not where somebody else wants the processor.
 * @param isAwaited whether there is still something to wait for
 */
export function createAwake(isAwaited: () => boolean, { clock, turn, processors }: AwakeParts = here): Awake {
  let streamCount = 0
  let answeredAtMs = Number.NEGATIVE_INFINITY
  let waitsSinceMs = Number.NEGATIVE_INFINITY
  let turnedAtMs = Number.NEGATIVE_INFINITY
  let restsUntilMs = Number.NEGATIVE_INFINITY
  let restMs: number = REST.minMs
  let isTurning: boolean = false

  function again(): void {
    const nowMs = clock.monotonicMs()
    if (nowMs - turnedAtMs >= TAKEN_MS) rest(nowMs)
    turnedAtMs = nowMs
    isTurning = nowMs >= restsUntilMs && nowMs - waitsSinceMs < AWAKE_MS && isAwaited()
    if (isTurning) turn(again)
  }

  function rest(nowMs: number): void {
    restMs = nowMs - restsUntilMs < REST.againMs ? Math.min(2 * restMs, REST.maxMs) : REST.minMs
    restsUntilMs = nowMs + restMs
  }

  return {
    called() {
      const isClose = clock.monotonicMs() - answeredAtMs < STREAM.gapMs
      streamCount = isClose ? Math.min(streamCount + 1, STREAM.max) : streamCount / 2
    },
    answered() {
      answeredAtMs = clock.monotonicMs()
    },
    waits() {
      const nowMs = clock.monotonicMs()
      waitsSinceMs = turnedAtMs = nowMs
      if (isTurning || streamCount < STREAM.from || nowMs < restsUntilMs || processors === 1) return
      isTurning = true
      turn(again)
    },
  }
}
