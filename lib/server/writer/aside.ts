import type { JobId } from '../../../protocol/ids.js'
import type { Head, QueueId } from '../../store/store.js'

const AGAIN_MS_MIN = 60_000
const AGAIN_MS_MAX = 3_600_000

interface Entry {
  readonly queue: QueueId
  readonly head: Head
  readonly againAtMs: number
}

/**
 * Jobs that could not be granted: they wait apart, so that dispatch goes on, and are tried again after a minute, then
 * after twice as long each time, up to an hour; the fault may have been the disk's.
 */
export class Aside {
  readonly #entries = new Map<JobId, Entry>()
  readonly #waitedMs = new Map<JobId, number>()

  add(queue: QueueId, head: Head, nowMs: number): void {
    const waitMs = Math.min(AGAIN_MS_MAX, 2 * (this.#waitedMs.get(head.job) ?? AGAIN_MS_MIN / 2))
    this.#waitedMs.set(head.job, waitMs)
    this.#entries.set(head.job, { queue, head, againAtMs: nowMs + waitMs })
  }

  has(job: JobId): boolean {
    return this.#entries.has(job)
  }

  /** The job could be read, or is not PENDING any more. */
  forget(job: JobId): void {
    if (this.#waitedMs.delete(job)) this.#entries.delete(job)
  }

  /** Removes and returns those whose time has come; with `queue` all of that queue, because it was changed. */
  takeDue(nowMs: number, queue?: QueueId): readonly Entry[] {
    const due: Entry[] = []
    for (const [job, entry] of this.#entries) {
      if (entry.againAtMs > nowMs && entry.queue !== queue) continue
      this.#entries.delete(job)
      due.push(entry)
    }
    return due
  }
}
