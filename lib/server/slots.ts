import type { Stream } from '../../protocol/fields.js'

/** Who locks the parts of a job whose lease is over: no byte is added to its log from then on. */
export const REAPER = 0xffff_ffff

/** Names one use of a slot in shared memory: a later use of the same index has another generation. */
export interface SlotRef {
  readonly index: number
  readonly generation: number
}

/** Of the two streams of a log: what a power loss can no longer take. */
export type DurableLengths = { readonly [S in Stream]: number }

/**
 * The leases of all running jobs, in shared memory: a beat is answered by the connection thread alone, without the
 * writer thread and without a disk. All methods are safe in every thread.
 *
 * A beat stores the time, then loads the state; the reaper swaps LIVE to EXPIRING, reads the time again, and then
 * expires the slot or swaps back: so a beat that was answered as renewed is never overlooked.
 */
export interface LeaseSlots {
  /** Takes a free slot, LIVE from `nowMs` on. Undefined when LIMITS.leasesMax are in use. Writer thread only. */
  open(nowMs: number): SlotRef | undefined
  /** Writer thread only. Later beats of `ref` are lost. */
  close(ref: SlotRef): void
  /** Beats are answered as `stop` from now on. */
  requestStop(ref: SlotRef): void
  /** @returns `lost` when the slot is not LIVE any more or is another lease's */
  beat(ref: SlotRef, nowMs: number): 'renewed' | 'stop' | 'lost'
  isLive(ref: SlotRef): boolean
  /** Clock.monotonicMs of the last beat. */
  beatAtMs(ref: SlotRef, nowMs: number): number
  /** Ends the lease when its last beat is older than `olderThanMs`; true when it is over now. Writer thread only. */
  expire(ref: SlotRef, nowMs: number, olderThanMs: number): boolean
  /** Notes the length of the log (both streams). True when somebody follows it: tell the writer thread then. */
  noteLog(ref: SlotRef, logBytes: number): boolean
  /** Counts followers up or down. Writer thread only. */
  follow(ref: SlotRef, delta: 1 | -1): void
  /** Whether the log is `seenBytes` long as far as anybody noted: what a follower asks after `follow`. */
  logIs(ref: SlotRef, seenBytes: number): boolean
  /** Some of the artifacts have come. */
  noteArtifacts(ref: SlotRef): void
  /** Whether anybody noted so since the slot was opened. */
  hasArtifacts(ref: SlotRef): boolean
  /**
   * What is on record as durable, or is about to be: whoever writes to the log next cuts off nothing of it. By the one
   * that has locked the parts, and by the writer thread where it opened the slot for a row that has a record already.
   */
  noteDurable(ref: SlotRef, lengths: DurableLengths): void
  /** Nothing where the slot is closed or another lease's. */
  durable(ref: SlotRef): DurableLengths
  /**
   * One connection at a time writes to the parts of a job. False: another one does just now. Locks whatever the state of
   * the lease: look at `isLive` behind it. REAPER is no connection's number.
   */
  lockParts(ref: SlotRef, connection: number): boolean
  unlockParts(ref: SlotRef, connection: number): void
  /** Opens locks that connections of a dead thread left behind. Writer thread only. */
  breakLocks(isDead: (connection: number) => boolean): void
}

/** What each attached worker last said of itself, in shared memory for the same reason. */
export interface WorkerSlots {
  open(nowMs: number): SlotRef | undefined
  close(ref: SlotRef): void
  /** False when the slot is another worker's by now. */
  beat(ref: SlotRef, nowMs: number, free: number, load: number): boolean
  read(ref: SlotRef, nowMs: number): { readonly beatAtMs: number; readonly free: number; readonly load: number }
}
