import type { Test } from 'tap'
import type { Random } from '../sim/random.js'

/** Something that takes bytes of a stranger. */
export interface Target {
  /** Makes one input: a part at random, a part nearly right. */
  input(random: Random): Buffer
  /** Rejects when the input broke a promise: an answer or an orderly refusal is none. */
  run(input: Buffer): Promise<void>
  /** What it did since it was opened, for a person. */
  readonly said?: () => string
}

/** Opened anew for each round, so that a round depends on no other; what it holds goes with the test. */
export type OpenTarget = (t: Test) => Promise<Target>
