import type { Buffer } from 'node:buffer'
import { isFinished, type Job, type JobState } from '../../lib/domain/job.js'
import type { Store } from '../../lib/store/store.js'
import type { Part } from '../../protocol/fields.js'
import type { JobId, LeaseId } from '../../protocol/ids.js'
import { eventsOfEnd, faultsOfEnd } from './ends.js'
import { GHOST } from './ghost.js'
import type { Host } from './host.js'
import type { Attempt } from './machine.js'
import type { MemoryDisk } from './memory-blobs.js'
import type { ReadStream } from './readers.js'
import { compareShipped } from './shipped.js'
import type { World } from './world.js'

/** How long a machine that woke may take to end what it may not run any more. */
const WAKING_MS = 1_000
/** What the disk has taken the daemon knows after this, at the latest: until then it may answer by what was before. */
const SETTLED_MS = 1_000
const exitCodeOf = ({ state }: Job): number | undefined => ('end' in state ? state.end.exitCode : undefined)

/** Holds what happens against the promises, after every step. */
export class Checks {
  readonly violations: string[] = []
  /** Jobs that the daemon has acknowledged. */
  readonly acknowledged = new Set<JobId>()
  /** What came about, and how often. */
  readonly seen = new Map<string, number>()
  readonly #world: World
  readonly #store: Store
  readonly #blobs: MemoryDisk
  readonly #jobsOfKey = new Map<string, string>()
  /** Rows as they were last read. */
  readonly #rows = new Map<JobId, Job>()
  readonly #changedAtMs = new Map<JobId, number>()
  /** Who ran an attempt of a job, by `job/attempt`. */
  readonly #leases = new Map<string, LeaseId>()
  /** What attempts really wrote. */
  readonly #attempts = new Map<LeaseId, Attempt>()
  readonly #finishes = new Set<LeaseId>()
  readonly #grownParts = new Map<string, readonly [JobId, number, Part]>()

  constructor(world: World, store: Store, blobs: MemoryDisk) {
    this.#world = world
    this.#store = store
    this.#blobs = blobs
    blobs.onChange = ({ job, attempt }, part) =>
      void this.#grownParts.set(`${job}/${attempt}/${part}`, [job, attempt, part])
  }

  fault(what: string): void {
    this.violations.push(`at ${this.#world.nowMs} ms: ${what}`)
  }

  saw(event: string): void {
    this.seen.set(event, (this.seen.get(event) ?? 0) + 1)
  }

  made(attempt: Attempt): void {
    this.#attempts.set(attempt.record.grant.lease, attempt)
  }

  finishAsked(lease: LeaseId): void {
    this.#finishes.add(lease)
  }

  queued(key: string, jobs: readonly JobId[]): void {
    const before = this.#jobsOfKey.get(key)
    this.#jobsOfKey.set(key, jobs.join())
    if (before !== undefined && before !== jobs.join()) this.fault(`${key} made ${before}, then ${jobs.join()}`)
    for (const job of jobs) this.acknowledged.add(job)
  }

  /** Reads every known job anew: what was acknowledged must be there. */
  async readAll(): Promise<void> {
    for (const job of new Set([...this.acknowledged, ...this.#rows.keys()])) await this.readJob(job)
  }

  async readJob(job: JobId): Promise<void> {
    const before = this.#rows.get(job)
    const row = await this.#store.readJob(job)
    if (!row) {
      if (this.acknowledged.has(job)) this.fault(`job ${job} is lost`)
      return
    }
    this.#rows.set(job, row)
    this.#changedAtMs.set(job, this.#world.nowMs)
    if (row.state.kind !== 'PENDING' && (row.state.run?.pid === GHOST.pid || exitCodeOf(row) === GHOST.exitCode))
      this.fault(`job ${job} was changed by a stale token`)
    if (before && isFinished(before.state.kind)) {
      if (JSON.stringify(before) !== JSON.stringify(row)) this.fault(`job ${job} was finished and changed`)
      return
    }
    if (row.state.kind === 'RUNNING') this.#began(job, row, row.state.lease)
    else if (row.state.kind !== 'PENDING') this.#ended(job, row, row.state)
  }

  afterStep(hosts: readonly Host[]): void {
    for (const host of hosts) if (!host.isAsleep) this.#checkProcesses(host)
    for (const [job, attempt, part] of this.#grownParts.values()) this.#checkPart(job, attempt, part)
    this.#grownParts.clear()
  }

  /** Tokens that are good no more. */
  stale(): readonly { readonly job: JobId; readonly lease: LeaseId; readonly bytes: number }[] {
    const { nowMs } = this.#world
    return [...this.#leases].flatMap(([key, lease]) => {
      const [job, attempt] = key.split('/').map(Number) as [JobId, number]
      const state = this.#rows.get(job)?.state
      const isHeld = state?.kind === 'RUNNING' && state.lease === lease
      return isHeld || nowMs - (this.#changedAtMs.get(job) ?? 0) < SETTLED_MS
        ? []
        : [{ job, lease, bytes: this.#blobs.of({ job, attempt }).stdout.bytes.length }]
    })
  }

  /**
   * Somebody was shown this by job.log.
   * @param wasCut bytes were taken away meanwhile: who has seen them has seen more than there is
   */
  read({ job, attempt, stream, bytes }: ReadStream, wasCut: boolean): void {
    if (wasCut && this.#isLimited(job, attempt)) return
    const lease = this.#leases.get(`${job}/${attempt}`)
    const written = lease && this.#attempts.get(lease)?.[stream]
    if (!written || compareShipped(bytes, written) === 'wrong')
      this.fault(`a reader of ${stream} of job ${job}, attempt ${attempt}, was shown what was not written`)
  }

  readToEnd(read: ReadStream, wasCut: boolean): void {
    const { job, attempt, stream, bytes } = read
    this.read(read, wasCut)
    if (wasCut && this.#isLimited(job, attempt)) return
    this.saw('a log was followed to its end')
    if (wasCut) this.saw('a log was followed over a loss of power')
    const { bytes: stored, durableBytes } = this.#blobs.of({ job, attempt })[stream]
    // Where a disk failed at the end of a lost attempt, what was not durable is anything after a loss of power.
    const isKept = wasCut && isPrefix(stored.subarray(0, durableBytes), bytes)
    if (!stored.equals(bytes) && !isKept)
      this.fault(
        `a reader of ${stream} of job ${job}, attempt ${attempt}, was not shown all of it: ${bytes.length} of ${stored.length} bytes`,
      )
  }

  /** Acknowledged jobs that have not ended. */
  get unfinished(): readonly JobId[] {
    return [...this.acknowledged].filter(job => !isFinished(this.#rows.get(job)?.state.kind ?? 'PENDING'))
  }

  /** How many jobs are in each state, and the most attempts of one. */
  summary(): { readonly attempts: number; readonly [state: string]: number } {
    const counts: Record<string, number> = {}
    let attempts = 0
    for (const { state, attempt } of this.#rows.values()) {
      counts[state.kind] = (counts[state.kind] ?? 0) + 1
      attempts += attempt
    }
    return { ...counts, attempts }
  }

  /** The log is longer than it may be: what is shipped anew after a loss of power may be cut elsewhere. */
  #isLimited(job: JobId, attempt: number): boolean {
    const lease = this.#leases.get(`${job}/${attempt}`)
    const made = lease && this.#attempts.get(lease)
    return made !== undefined && made.stdout.length + made.stderr.length > made.record.grant.logLimitBytes
  }

  #began(job: JobId, row: Job, lease: LeaseId): void {
    const before = this.#leases.get(`${job}/${row.attempt}`)
    if (before !== undefined && before !== lease) this.fault(`attempt ${row.attempt} of job ${job} has two leases`)
    this.#leases.set(`${job}/${row.attempt}`, lease)
  }

  #ended(job: JobId, row: Job, state: Exclude<JobState, { kind: 'PENDING' | 'RUNNING' }>): void {
    const { lease, end } = state
    if (lease === undefined || end.reason === 'worker-lost') return
    this.#began(job, row, lease)
    if (!this.#finishes.has(lease)) this.fault(`job ${job} was ended by a stale token`)
    const attempt = this.#attempts.get(lease)
    if (!attempt) {
      this.fault(`job ${job} was ended, and never ran`)
      return
    }
    const faults = faultsOfEnd(end, attempt, this.#blobs.of({ job, attempt: row.attempt }))
    for (const fault of faults) this.fault(`job ${job} at ${state.kind}: ${fault}`)
    for (const event of eventsOfEnd(end, attempt)) this.saw(event)
  }

  /** The one rule that holds all others about two copies: what runs is what its row says that runs. */
  #checkProcesses(host: Host): void {
    for (const attempt of host.machine.attempts) {
      if (!attempt.process?.isAlive) continue
      const { job, lease, bundle } = attempt.record.grant
      if (attempt.unpacked !== bundle) this.fault(`job ${job} runs on ${host.name} without its files`)
      const state = this.#rows.get(job)?.state
      if (state?.kind === 'RUNNING' && state.lease === lease) continue
      if (this.#world.nowMs - host.machine.time.wokeAtMs <= WAKING_MS) continue
      this.fault(`job ${job} runs on ${host.name} by ${lease}, but it is ${JSON.stringify(state)}`)
    }
  }

  #checkPart(job: JobId, attempt: number, part: Part): void {
    const lease = this.#leases.get(`${job}/${attempt}`)
    const written = lease && this.#attempts.get(lease)?.[part]
    const stored = this.#blobs.of({ job, attempt })[part].bytes
    if (stored.length === 0) return
    if (!written || (part === 'artifacts' ? !isPrefix(stored, written) : compareShipped(stored, written) === 'wrong'))
      this.fault(`${part} of job ${job}, attempt ${attempt}, is no prefix of what was written`)
  }
}

const isPrefix = (part: Buffer, whole: Buffer): boolean => whole.subarray(0, part.length).equals(part)
