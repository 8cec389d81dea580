import type { JobId, LeaseId, Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { Clock } from '../../base/clock.js'
import type { Offer } from './offers.js'

/** As long as a client asks again after a lost reply. */
const KEPT_MS = 60_000

interface Entry {
  readonly job: JobId
  readonly worker: Name
  readonly untilMs: number
}

/** Offers that were given back lately: a worker that lost the reply gives its offer back once more. */
export class Declined {
  readonly #clock: Clock
  /** The oldest first. */
  readonly #byLease = new Map<LeaseId, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add({ lease, head, claim }: Offer): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [old, { untilMs }] of this.#byLease) {
      if (untilMs > nowMs && this.#byLease.size < LIMITS.claimsParkedMax.value) break
      this.#byLease.delete(old)
    }
    this.#byLease.set(lease, { job: head.job, worker: claim.worker.worker, untilMs: nowMs + KEPT_MS })
  }

  has(lease: LeaseId, job: JobId, worker: Name): boolean {
    const entry = this.#byLease.get(lease)
    return entry?.job === job && entry.worker === worker
  }
}
