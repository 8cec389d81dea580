import type { Clock, Timer } from '../base/clock.js'
import type { Log } from '../base/log.js'
import { isOver, type Lease, leaseFrom, renewed } from './lease.js'
import type { AttemptFiles, BootClock } from './ports.js'

const CHECK_MS = 250

export interface LeaseKeeperParts {
  readonly clock: Clock
  readonly bootClock: BootClock
  readonly log: Log
  readonly files: AttemptFiles
  /** Called once or more when the lease is over, whether or not any server can be reached. */
  onOver(): void
}

/** Keeps the end of one lease, in memory and in the directory of its attempt, and tells when it has come. */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts
  #lease: Lease | undefined
  #isStale: boolean = false
  #writing: Promise<void> | undefined
  /** Of the last write. */
  #failure: Error | undefined
  #timer: Timer | undefined

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts
  }

  /** The server has renewed it by a request that was sent then. */
  renew(sentAtBootMs: number): void {
    // Past its end a lease stays over, whatever a late answer says: the job may have been ended for it already.
    if (this.#isOver()) {
      this.#parts.onOver()
      return
    }
    const { leaseMs } = this.#parts.files.record.grant
    this.#lease = this.#lease ? renewed(this.#lease, sentAtBootMs) : leaseFrom(leaseMs, sentAtBootMs)
    this.#isStale = true
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Goes on with a lease that an earlier worker process kept. */
  continue(lease: Lease | undefined): void {
    this.#lease = lease
  }

  /** Resolves when the end of the lease stands in the directory: before that a guard would not end the job. */
  async noted(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
    if (this.#failure) throw this.#failure
  }

  /** Tells at once when the lease is over. */
  check(): void {
    if (this.#isOver()) this.#parts.onOver()
  }

  watch(): void {
    this.check()
    this.#timer = this.#parts.clock.after(CHECK_MS, () => this.watch())
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    await this.#writing
  }

  #isOver(): boolean {
    return this.#lease !== undefined && isOver(this.#lease, this.#parts.bootClock.bootMs())
  }

  /** One write at a time; what was renewed meanwhile is written by the next round. */
  async #write(): Promise<void> {
    const { files, log } = this.#parts
    while (this.#isStale && this.#lease) {
      this.#isStale = false
      try {
        await files.writeLeaseEnd(this.#lease.endsAtBootMs)
        this.#failure = undefined
      } catch (error) {
        this.#failure = error as Error
        log.warn('the end of a lease was not noted', { job: files.record.grant.job, cause: String(error) })
      }
    }
  }
}
