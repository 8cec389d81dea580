import type { InvitedRole, Role, UserState } from '../../protocol/fields.js'
import type { InviteId, JobId, LeaseId, Name, Sha256 } from '../../protocol/ids.js'
import type { ActionView, InviteView, JobView, UserView } from '../../protocol/views.js'
import type { CompleteDefinition } from '../domain/action.js'
import type { Home, Job, JobEvent } from '../domain/job.js'
import type { RetentionReader, RetentionWriter } from './retention-store.js'
import type { SecretReader, SecretWriter } from './secret-store.js'
import type { StoredEvent } from './stored-event.js'

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
  /** Its jobs are given secrets: only a worker whose connection nobody else can read may have them. Missing: no. */
  readonly hasSecrets?: boolean
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
  readonly state: UserState
  readonly mayExec: boolean
  /** The password's; an account without one cannot authenticate by SCRAM. */
  readonly credential?: Credential
}

export interface NewInvite {
  readonly tokenSha256: Sha256
  readonly role: InvitedRole
  readonly user: Name
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

export interface Registration {
  readonly tokenSha256: Sha256
  readonly user: Name
  readonly credential: Credential
  /** Of a new account. */
  readonly state: 'active' | 'pending'
}

/** A transition of a job, with both sides. */
export interface JobChange {
  readonly before: Job
  readonly after: Job
  readonly queue: QueueId
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
  readonly queuedAtMs: number
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
  /** Missing where the row has lost it. */
  readonly worker?: Name
  readonly stopRequested: boolean
  /** Of its log, as noteDurableLengths last told: where files are cut to after an unclean start. */
  readonly durableStdoutBytes: number
  readonly durableStderrBytes: number
  /** What is damaged in its row, and was filled in: nobody can resume it, or its lease has the default length. */
  readonly fault?: string
}

/** What an action has beside its definition. */
export interface ActionFacts {
  readonly createdAtMs: number
  /** Jobs that wait, counted up to LIMITS.pageVisitedMax. */
  readonly pending: number
}

export interface JobFilter {
  readonly jobs?: readonly JobId[]
  readonly state?: JobView['state']
  readonly action?: Name
  readonly user?: Name
  readonly worker?: Name
  readonly pid?: number
  /** A worker must have it, by what the job ran or would run now. */
  readonly label?: Name
  readonly exitCode?: number
  readonly queuedFromMs?: number
  readonly queuedBeforeMs?: number
  /** Stands in a parameter, written as NAME=VALUE. */
  readonly text?: string
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
export interface StoreReader extends SecretReader, RetentionReader {
  findAccount(user: Name): Promise<Account | undefined>
  listUsers(after: Name | undefined, limit: number): Promise<{ users: readonly UserView[]; next?: Name }>
  /** @param nowMs decides what has expired */
  listInvites(
    after: InviteId | undefined,
    limit: number,
    nowMs: number,
  ): Promise<{ invites: readonly InviteView[]; next?: InviteId }>
  findAction(action: Name): Promise<ActionView | undefined>
  listActions(after: Name | undefined, limit: number): Promise<{ actions: readonly ActionView[]; next?: Name }>
  findActionFacts(action: Name): Promise<ActionFacts | undefined>
  findJob(job: JobId): Promise<JobView | undefined>
  /** In the order in which they happened; the first 256 of the job are kept. */
  readJobEvents(job: JobId): Promise<readonly StoredEvent[]>
  /** Workers that get no new job: read once, at start. */
  listDrainedWorkers(): Promise<readonly Name[]>
  /** What happened to a job, for the domain's transition function and for the fence of a lease. */
  readJob(job: JobId): Promise<Job | undefined>
  /**
   * What job `job` is to run; undefined when there is no such job.
   * @throws JankinsError E_JOB_DAMAGED (detail.reason, for people)
   */
  readOrder(job: JobId): Promise<JobOrder | undefined>
  /**
   * One page, newest first, of the jobs that fit every filter. Visits at most LIMITS.pageVisitedMax rows, whatever the
   * size of the history: a page may be short or empty and still carry `next`. Of texts it reads about as much as that
   * many rows take. Ids are in the order of time but where the daemon's clock was set back: a job from around there may
   * be missing from a span of time, and is never in a wrong one.
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
export interface StoreWriter extends SecretWriter, RetentionWriter {
  /**
   * Starts an epoch of this daemon: makes its row on first call.
   * @returns the home for all leases of this process
   */
  beginEpoch(daemon: string): Promise<Home>
  /** The same account again changes nothing. @throws JankinsError E_USER_EXISTS when there is another of this name */
  addUser(user: Name, role: Role, mayExec: boolean, credential: Credential, nowMs: number): Promise<void>
  /** @throws JankinsError E_USER_NOT_FOUND, E_USER_DELETED */
  setPassword(user: Name, credential: Credential): Promise<void>
  /**
   * `disabled` and `deleted` also ask every job to stop that a worker of this account runs, in the same step; a deleted
   * account loses its keys, and stays deleted.
   * @returns the jobs that were asked to stop
   * @throws JankinsError E_USER_NOT_FOUND, E_LAST_ADMIN, and E_USER_DELETED for `active`
   */
  setUserState(
    user: Name,
    state: 'active' | 'disabled' | 'deleted',
    nowMs: number,
  ): Promise<{ changed: boolean; stopped: readonly (JobChange & { readonly job: JobId })[] }>
  /**
   * The same token again finds the invitation that it has.
   * @throws JankinsError E_KEY_REUSED when that is of another role or account, E_TOO_MANY
   */
  addInvite(invite: NewInvite): Promise<{ invite: InviteId; expiresAtMs: number }>
  /** @throws JankinsError E_INVITE_NOT_FOUND */
  revokeInvite(invite: InviteId, nowMs: number): Promise<{ changed: boolean }>
  /**
   * Makes the account of an invitation, once: the same registration again finds the account that it made.
   * @throws JankinsError E_INVITE for a token that is unknown, expired, revoked, or used for something else, or whose
   *   maker is no active admin any more; E_USER_EXISTS, and the invitation still holds then
   */
  register(registration: Registration, nowMs: number): Promise<{ role: Role; state: UserState }>
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
  setWorkerDrained(worker: Name, user: Name, isDrained: boolean, nowMs: number): Promise<{ changed: boolean }>
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
  applyEvent(job: JobId, event: JobEvent, version?: number): Promise<JobChange>
  /** Makes a commit, also when nothing else is written: for what goes along with one. */
  commit(): Promise<void>
  /** For people to look at: times of the last beats, ms since the epoch. */
  noteBeats(beats: readonly (readonly [JobId, number])[]): Promise<void>
  /** Lengths of the log that a power loss cannot take: where files are cut to after an unclean start. */
  noteDurableLengths(job: JobId, attempt: number, stdoutBytes: number, stderrBytes: number): Promise<void>
}

export interface Store extends StoreReader, StoreWriter {
  close(): void
}
