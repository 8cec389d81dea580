import type { JobId, LeaseId, Name } from '../../../protocol/ids.js'
import type { Clock, Timer } from '../../base/clock.js'
import type { Head, JobOrder, QueueId } from '../../store/store.js'
import type { SlotRef } from '../slots.js'
import type { Claim } from './claims.js'
import type { HeldLease } from './writer.js'

/**
 * A job that was given to a claim and is not acknowledged: memory only. Its slot is taken already, so that an
 * acknowledgement never fails for want of one; nobody beats in it before the reply to the acknowledgement names it.
 */
export interface Offer {
  readonly lease: LeaseId
  readonly queue: QueueId
  readonly head: Head
  readonly slot: SlotRef
  readonly claim: Claim
  /** By Clock.monotonicMs. */
  readonly lapsesAtMs: number
  /** When both the job and the claim were there for it, by the same clock. */
  sinceMs: number
  /** Missing until it was read. */
  order?: JobOrder
  /** The acknowledgement that is being written. */
  taking?: Promise<HeldLease> | undefined
  /** The job was stopped while its acknowledgement was being written. */
  isStopped?: boolean
  /** It was acknowledged, and is kept only for a claim that is repeated. */
  isTaken?: boolean
}

/** A lapse that has to wait for a write looks again after this. */
const AGAIN_MS = 100

/** The offers that are open, in the order in which they lapse. One timer serves them all. */
export class Offers {
  readonly #clock: Clock
  readonly #lapse: (offer: Offer) => void
  readonly #byLease = new Map<LeaseId, Offer>()
  readonly #byJob = new Map<JobId, Offer>()
  #timer: Timer | undefined

  /** @param lapse called for an offer that is over, unless its acknowledgement is being written; must remove it */
  constructor(clock: Clock, lapse: (offer: Offer) => void) {
    this.#clock = clock
    this.#lapse = lapse
  }

  add(offer: Offer): void {
    this.#byLease.set(offer.lease, offer)
    this.#byJob.set(offer.head.job, offer)
    this.#arm()
  }

  get(lease: LeaseId): Offer | undefined {
    return this.#byLease.get(lease)
  }

  /** Those that were made to this worker and are not taken. */
  ofWorker(worker: Name): readonly Offer[] {
    return [...this.#byJob.values()].filter(offer => offer.claim.worker.worker === worker)
  }

  ofJob(job: JobId): Offer | undefined {
    return this.#byJob.get(job)
  }

  /** It is a lease now: nothing but its claim needs it. */
  taken(offer: Offer): void {
    offer.isTaken = true
    this.#byJob.delete(offer.head.job)
  }

  /** False when it was removed before. */
  remove(offer: Offer): boolean {
    if (!this.#byLease.delete(offer.lease)) return false
    if (this.#byJob.get(offer.head.job) === offer) this.#byJob.delete(offer.head.job)
    return true
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    const first = this.#byLease.values().next().value
    if (this.#timer || !first) return
    const delayMs = Math.max(AGAIN_MS, Math.ceil(first.lapsesAtMs - this.#clock.monotonicMs()))
    this.#timer = this.#clock.after(delayMs, () => this.#due(), { background: true })
  }

  #due(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    for (const offer of this.#byLease.values()) {
      if (offer.lapsesAtMs > nowMs) break
      // Its acknowledgement gives it back itself if it fails.
      if (offer.taking === undefined) this.#lapse(offer)
    }
    this.#arm()
  }
}
