import type { Role } from '../../protocol/fields.js'
import type { JobId, LeaseId, Name, Sha256 } from '../../protocol/ids.js'
import type { ActionView, JobView, UserView } from '../../protocol/views.js'
import type { CompleteDefinition } from '../domain/action.js'
import type { Home, Job, JobEvent } from '../domain/job.js'

/** What a job waits in: one queue for each action, and one for each set of labels of job.exec. */
export type QueueId = number

export interface Queue {
  readonly id: QueueId
  /** Missing for a queue of job.exec. */
  readonly action?: Name
  /** Sorted; a worker must have all of them. */
  readonly labels: readonly string[]
  readonly active: boolean
  /** Missing: no limit. */
  readonly runningMax?: number
  /** Why nothing of it can be granted: its row is damaged. It is not active then, and putAction may mend it. */
  readonly fault?: string
}

/** Where a PENDING job stands in its queue: higher priority first, then lower id. */
export interface Head {
  readonly job: JobId
  readonly priority: number
}

export interface Credential {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

export interface Account {
  readonly user: Name
  readonly role: Role
  readonly active: boolean
  readonly mayExec: boolean
  /** The password's; an account without one cannot authenticate by SCRAM. */
  readonly credential?: Credential
}

export interface NewJobs {
  readonly user: Name
  /** Unique per user. The same key again returns the same jobs and makes none, until it is forgotten. */
  readonly key: string
  readonly queue: QueueId
  readonly count: number
  readonly priority: number
  readonly parameters: readonly (readonly [string, string])[]
  readonly retries: number
  readonly bundle?: Sha256
  /** Only for job.exec: what to run. Jobs of an action run what the action says when they are granted. */
  readonly definition?: CompleteDefinition
  readonly retryOf?: JobId
  readonly queuedAtMs: number
}

/** Everything that a grant or a retry needs of a job. */
export interface JobOrder {
  readonly job: JobId
  readonly attempt: number
  readonly user: Name
  readonly queue: QueueId
  readonly action?: Name
  readonly priority: number
  /** Of the action as it is now, or of the job itself. */
  readonly definition: CompleteDefinition
  /** Names `definition` for applyEvent: what history shows as run. Missing for a job of job.exec. */
  readonly version?: number
  readonly parameters: readonly (readonly [string, string])[]
  readonly bundle?: Sha256
}

/** A RUNNING job as a starting daemon finds it. */
export interface RunningJob {
  readonly job: JobId
  readonly queue: QueueId
  readonly attempt: number
  readonly lease: LeaseId
  readonly leaseMs: number
  readonly home: Home
  readonly stopRequested: boolean
  /** Of its log, as noteDurableLengths last told: where files are cut to after an unclean start. */
  readonly durableStdoutBytes: number
  readonly durableStderrBytes: number
  /** What is damaged in its row, and was filled in: nobody can resume it, or its lease has the default length. */
  readonly fault?: string
}

export interface JobFilter {
  readonly jobs?: readonly JobId[]
  readonly state?: JobView['state']
  readonly action?: Name
  readonly user?: Name
  readonly worker?: Name
  readonly pid?: number
}

export interface JobPage {
  readonly jobs: readonly JobView[]
  /** Pass as `after` for the page that follows; missing after the last one. */
  readonly next?: JobId
}

/**
 * Reads. A damaged row hides nothing but itself: lists show what can be read of it, and only readOrder refuses it. Safe in any thread; each is one short read transaction and sees all writes that were answered before it began.
 * Texts of JobView are cut at LIMITS.viewTextBytesMax. A page may be shorter than `limit` so that it fits into one reply.
 */
export interface StoreReader {
  findAccount(user: Name): Promise<Account | undefined>
  listUsers(after: Name | undefined, limit: number): Promise<{ users: readonly UserView[]; next?: Name }>
  findAction(action: Name): Promise<ActionView | undefined>
  listActions(after: Name | undefined, limit: number): Promise<{ actions: readonly ActionView[]; next?: Name }>
  findJob(job: JobId): Promise<JobView | undefined>
  /** What happened to a job, for the domain's transition function and for the fence of a lease. */
  readJob(job: JobId): Promise<Job | undefined>
  /**
   * What job `job` is to run; undefined when there is no such job.
   * @throws JankinsError E_JOB_DAMAGED (detail.reason, for people)
   */
  readOrder(job: JobId): Promise<JobOrder | undefined>
  /**
   * One page, newest first, of the jobs that fit every filter. Visits at most LIMITS.pageVisitedMax rows, whatever the
   * size of the history: a page may be short or empty and still carry `next`.
   * @throws JankinsError E_ACTION_NOT_FOUND, E_USER_NOT_FOUND, E_JOB_NOT_FOUND (a member of `jobs`)
   */
  queryJobs(filter: JobFilter, after: JobId | undefined, limit: number): Promise<JobPage>
  /**
   * The first `limit` PENDING jobs of a queue behind `after`, best first. Visits no more rows than it returns
   * (SQLite: index on (queue, priority, id) of PENDING rows).
   */
  readHeads(queue: QueueId, after: Head | undefined, limit: number): Promise<readonly Head[]>
  /** All queues, RUNNING jobs and the number of PENDING ones: read once, at start. */
  readDispatchState(): Promise<{
    readonly queues: readonly Queue[]
    readonly running: readonly RunningJob[]
    readonly pending: number
  }>
}

/**
 * Writes. Every promise resolves after the commit that made the write durable, and rejects when nothing of it was
 * written. Each method is atomic by itself; writes that are called in one turn of the loop may share one commit.
 * @throws JankinsError E_STORE_FULL from any of them: nothing was written, and the same call may be made again
 */
export interface StoreWriter {
  /**
   * Starts an epoch of this daemon: makes its row on first call.
   * @returns the home for all leases of this process
   */
  beginEpoch(daemon: string): Promise<Home>
  /** The same account again changes nothing. @throws JankinsError E_USER_EXISTS when there is another of this name */
  addUser(user: Name, role: Role, mayExec: boolean, credential: Credential, nowMs: number): Promise<void>
  /** @throws JankinsError E_USER_NOT_FOUND */
  setPassword(user: Name, credential: Credential): Promise<void>
  /** @throws JankinsError E_USER_NOT_FOUND, E_LAST_ADMIN */
  setUserActive(user: Name, active: boolean): Promise<{ changed: boolean }>
  /**
   * Makes an action and its queue, or changes it when `replace` is set. The same definition again changes nothing.
   * @throws JankinsError E_ACTION_EXISTS
   */
  putAction(
    action: Name,
    definition: CompleteDefinition,
    replace: boolean,
    nowMs: number,
  ): Promise<{ changed: boolean; queue: Queue }>
  /** @throws JankinsError E_ACTION_NOT_FOUND */
  setActionActive(action: Name, active: boolean): Promise<{ changed: boolean; queue: Queue }>
  /** The queue of job.exec for these labels, made on first use. */
  openExecQueue(labels: readonly string[]): Promise<Queue>
  /**
   * Inserts PENDING jobs, or finds those that the same user made with the same key.
   * @returns ids in increasing order; `repeated` when they were there before
   * @throws JankinsError E_KEY_REUSED when the key made other jobs than these (queue, count, parameters or bundle differ)
   */
  insertJobs(jobs: NewJobs): Promise<{ jobs: readonly JobId[]; repeated: boolean }>
  /**
   * The jobs that insertJobs would find, behind all writes that were called before; undefined when it would make some.
   * @throws JankinsError E_KEY_REUSED
   */
  findRepeated(jobs: NewJobs): Promise<readonly JobId[] | undefined>
  /**
   * Forgets the keys of jobs that were queued before `queuedBeforeMs`, oldest first: what comes under such a key is a
   * new request. Visits `rowsMax` rows at most, and writes nothing when there is nothing to forget.
   * @returns whether there may be more
   */
  forgetRequestKeys(queuedBeforeMs: number, rowsMax: number): Promise<{ readonly more: boolean }>
  /**
   * Reads the job, applies domain/job.ts, writes the result: one atomic step (PostgreSQL: SELECT FOR UPDATE).
   * @param version of the JobOrder that was granted, with `acknowledged`: what history shows as run. The action's as it
   *   is now when missing
   * @returns both sides; `after` is `before` itself when the event was already taken
   * @throws JankinsError E_JOB_NOT_FOUND, and what nextJob throws
   */
  applyEvent(job: JobId, event: JobEvent, version?: number): Promise<{ before: Job; after: Job; queue: QueueId }>
  /** For people to look at: times of the last beats, ms since the epoch. */
  noteBeats(beats: readonly (readonly [JobId, number])[]): Promise<void>
  /** Lengths of the log that a power loss cannot take: where files are cut to after an unclean start. */
  noteDurableLengths(job: JobId, attempt: number, stdoutBytes: number, stderrBytes: number): Promise<void>
}

export interface Store extends StoreReader, StoreWriter {
  close(): void
}
