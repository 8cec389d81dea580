import type { JobId, LeaseId, Name, Sha256 } from '../../../protocol/ids.js'
import type { Home } from '../../domain/job.js'
import type { JobOrder, QueueId } from '../../store/store.js'
import type { SlotRef } from '../slots.js'

/** What stays in memory of a job's order while it runs. */
export interface Terms {
  readonly priority: number
  readonly logLimitBytes: number
  readonly bundle?: Sha256
}

export const termsOf = (order: JobOrder): Terms => ({
  priority: order.priority,
  logLimitBytes: order.definition.logLimitBytes,
  ...(order.bundle !== undefined && { bundle: order.bundle }),
})

/** A RUNNING job, as long as its row says so. */
export interface Lease {
  readonly job: JobId
  readonly lease: LeaseId
  readonly attempt: number
  readonly queue: QueueId
  readonly slot: SlotRef
  readonly leaseMs: number
  /** As its row says. */
  home: Home
  /** Missing where the row of one that an earlier start of the daemon gave has lost it. */
  readonly worker?: Name
  terms?: Terms
  isStopped: boolean
  /** By Clock.monotonicMs: ends before the lease does, because its worker was shut out. */
  endsAtMs?: number
  /** Its end is being written. */
  isEnding: boolean
  /** Time of the last beat that was written for people to see. */
  notedAtMs: number
}

/** All RUNNING jobs, by job and by worker. */
export class Leases {
  readonly #byJob = new Map<JobId, Lease>()
  readonly #byWorker = new Map<Name, Set<JobId>>()

  get size(): number {
    return this.#byJob.size
  }

  add(lease: Lease): void {
    this.#byJob.set(lease.job, lease)
    if (lease.worker === undefined) return
    const jobs = this.#byWorker.get(lease.worker)
    if (jobs) jobs.add(lease.job)
    else this.#byWorker.set(lease.worker, new Set([lease.job]))
  }

  get(job: JobId): Lease | undefined {
    return this.#byJob.get(job)
  }

  all(): IterableIterator<Lease> {
    return this.#byJob.values()
  }

  jobsOf(worker: Name): readonly JobId[] {
    return [...(this.#byWorker.get(worker) ?? [])]
  }

  holdsAny(worker: Name): boolean {
    return this.#byWorker.has(worker)
  }

  /** False when it was removed before. */
  remove(lease: Lease): boolean {
    if (this.#byJob.get(lease.job) !== lease) return false
    this.#byJob.delete(lease.job)
    if (lease.worker === undefined) return true
    const jobs = this.#byWorker.get(lease.worker)
    jobs?.delete(lease.job)
    if (jobs?.size === 0) this.#byWorker.delete(lease.worker)
    return true
  }
}
