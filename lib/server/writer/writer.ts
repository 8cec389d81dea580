import type { Role } from '../../../protocol/fields.js'
import type { ClaimId, InstanceId, JobId, LeaseId, Name, Sha256 } from '../../../protocol/ids.js'
import type { Grant, JobView, WaitReason, WorkerView } from '../../../protocol/views.js'
import type { AuditEntry, EntryText } from '../../audit/line.js'
import type { CompleteDefinition } from '../../domain/action.js'
import type { End } from '../../domain/job.js'
import type { SealedSecret } from '../../store/secret-store.js'
import type { Credential, StoreWriter } from '../../store/store.js'
import type { SlotRef } from '../slots.js'
import type { TellSessionsEnd } from './shut-out.js'

/** Given by the main thread, unique in the life of the daemon. */
export type ConnectionId = number

/** What there is at this moment. */
export interface Counters {
  readonly pending: number
  readonly running: number
  /** Attached ones. */
  readonly workers: number
  /** Workers that are attached or were lately. */
  readonly liveness: Readonly<Record<WorkerView['liveness'], number>>
  readonly claimsParked: number
}

/** A lease as a connection thread keeps it for its session. */
export interface HeldLease {
  readonly slot: SlotRef
  readonly attempt: number
  readonly logLimitBytes: number
  readonly bundle?: Sha256
  /** Given by this start of the daemon: all that was ever added to the log is noted in the slot. */
  readonly isNew?: boolean
}

export interface QueueOrder {
  readonly user: Name
  readonly role: Role
  readonly key: string
  readonly count: number
  /** The action's when missing. */
  readonly priority?: number
  readonly parameters: readonly (readonly [string, string])[]
  readonly bundle?: Sha256
  readonly retryOf?: JobId
}

/** What a worker says of itself when it attaches. */
export interface NewWorker {
  readonly worker: Name
  readonly user: Name
  readonly instance: InstanceId
  readonly labels: readonly string[]
  readonly slots: number
  readonly version: string
  /** Nobody else can read its connection: it may have jobs with secrets. Missing: no. */
  readonly isPrivate?: boolean
}

/**
 * What connection threads ask of the one thread that writes: by a port in the daemon, directly in tests and in the
 * simulation. Every promise that tells of a change resolves after its commit. What a connection parked (claim, wait)
 * is dropped when `connectionClosed` names it.
 */
export interface Writer extends Pick<StoreWriter, 'addUser' | 'addInvite' | 'revokeInvite' | 'register' | 'setPinned'> {
  /**
   * @param ending the sessions of the account are to end too, but for one of them
   * @throws E_USER_NOT_FOUND, E_USER_DELETED
   */
  setPassword(user: Name, credential: Credential, ending?: { readonly except?: ConnectionId }): Promise<void>
  /**
   * Shuts an account out, or lets it in. Shut out, its sessions end and its workers' jobs are stopped.
   * @throws E_USER_NOT_FOUND, E_LAST_ADMIN, and E_USER_DELETED for `active`
   */
  setUserState(user: Name, state: 'active' | 'disabled' | 'deleted'): Promise<{ changed: boolean }>
  /**
   * Notes who asked for what. What is asked of the writer behind it is committed no sooner. Resolves when it is written.
   * @throws E_STORE_FULL
   */
  noteRequest(entry: EntryText): Promise<void>
  /** Notes a request that was refused; those that are alike are counted and told later. @throws E_STORE_FULL */
  noteRefusal(entry: AuditEntry): Promise<void>
  /** `tell` is called when sessions have to end, behind the answer of the call that caused it. @returns ends it */
  onSessionsEnd(tell: TellSessionsEnd): () => void

  /** @throws E_ACTION_EXISTS */
  addAction(action: Name, definition: CompleteDefinition, replace: boolean): Promise<{ changed: boolean }>
  /** @throws E_ACTION_NOT_FOUND, E_TOO_MANY */
  setSecret(action: Name, secret: SealedSecret): Promise<void>
  /** @throws E_ACTION_NOT_FOUND */
  removeSecret(action: Name, secret: string): Promise<{ changed: boolean }>
  /** @throws E_ACTION_NOT_FOUND */
  setActionActive(action: Name, active: boolean): Promise<{ changed: boolean }>

  /**
   * A key that has made these jobs gets them again, whatever became of the action since.
   * @throws E_ACTION_NOT_FOUND, E_ACTION_DISABLED, E_FORBIDDEN, E_KEY_REUSED, E_STORE_FULL
   */
  queueJobs(action: Name, order: QueueOrder): Promise<readonly JobId[]>
  /** @throws E_KEY_REUSED, E_STORE_FULL */
  execJob(definition: CompleteDefinition, order: QueueOrder): Promise<JobId>
  /** @throws E_JOB_NOT_FOUND */
  stopJob(job: JobId, by?: Name): Promise<{ state: JobView['state']; requested: boolean }>

  /** Makes `connection` the attached one of this worker. @throws E_WORKER_NAME_TAKEN */
  attach(connection: ConnectionId, worker: NewWorker): Promise<SlotRef>
  /**
   * Offers the best job that the attached worker may take, at once or within `waitMs`; undefined when there was none.
   * An offer lives in memory only: it lapses after LIMITS.grantMs and the job is offered anew. The same claim asked
   * again before that gets the same grant. @throws E_NOT_ATTACHED, E_TOO_MANY
   */
  claim(connection: ConnectionId, claim: ClaimId, waitMs: number): Promise<Grant | undefined>
  /** The parked claim is answered at once: with undefined, or with the grant that was under way. */
  cancelClaim(connection: ConnectionId, claim: ClaimId): Promise<void>
  /** Takes an offer: RUNNING, durable. Repeating it is harmless. @throws E_NOT_ATTACHED, E_LEASE_LOST, E_STORE_FULL */
  acknowledge(connection: ConnectionId, job: JobId, lease: LeaseId): Promise<HeldLease>
  /**
   * As `acknowledge`, for an offer that comes with no secrets, as most do: nobody has to look for any. Undefined, and
   * nothing is taken, where the action has secrets or the offer is no longer open.
   */
  acknowledgePlain(connection: ConnectionId, job: JobId, lease: LeaseId): Promise<HeldLease | undefined>
  /** Gives an offer back. Repeating it is harmless. @throws E_NOT_ATTACHED, E_LEASE_LOST */
  decline(connection: ConnectionId, job: JobId, lease: LeaseId): Promise<void>
  /** Finds the slot of a lease for a connection that has to hold it. @throws E_LEASE_LOST */
  resume(connection: ConnectionId, job: JobId, lease: LeaseId): Promise<HeldLease & { readonly stop: boolean }>
  /** @throws E_LEASE_LOST */
  started(job: JobId, lease: LeaseId, pid: number): Promise<void>
  /**
   * Puts on record what LeaseSlots.durable says at the time of this write: two threads may each have noted something,
   * and whichever is heard last tells the same. Nothing for an attempt that is over. @throws E_STORE_FULL
   */
  noteDurableLengths(job: JobId, attempt: number): Promise<void>
  /**
   * Log and artifacts are durable already. Repeating it is harmless.
   * @param pid where `started` has not told it
   * @throws E_LEASE_LOST, E_STORE_FULL
   */
  finish(job: JobId, lease: LeaseId, end: End, pid?: number): Promise<{ state: JobView['state'] }>

  /**
   * Resolves when the job has ended, or after `waitMs`.
   * @param wait names it for `cancelWait`: unique among the waits of the connection
   */
  waitForEnd(connection: ConnectionId, job: JobId, waitMs: number, wait?: number): Promise<void>
  /** Resolves when the log of the running job is not `seenBytes` long, when the job starts or ends, or after `waitMs`. */
  waitForLog(connection: ConnectionId, job: JobId, seenBytes: number, waitMs: number, wait?: number): Promise<void>
  /** The wait of this name resolves at once; one that is over is ignored. */
  cancelWait(connection: ConnectionId, wait: number): Promise<void>
  /** Wakes followers of this job. */
  logGrew(job: JobId): Promise<void>

  /** Everything that keeps a PENDING job from running now; nothing for any other. Tells of a few workers at most. */
  explainWait(job: JobId): Promise<readonly WaitReason[]>
  /** @throws E_ACTION_NOT_FOUND */
  runningOf(action: Name): Promise<number>
  /**
   * Whether the worker of this name gets new jobs; what it was offered and has not taken goes to others.
   * @param user who asks; without `ofAny` for a worker that attached under this account
   * @returns jobs that it holds
   * @throws E_WORKER_NOT_FOUND, E_FORBIDDEN, E_STORE_FULL
   */
  drainWorker(
    worker: Name,
    isDrained: boolean,
    user: Name,
    ofAny: boolean,
  ): Promise<{ changed: boolean; jobs: readonly JobId[] }>
  listWorkers(after: Name | undefined, limit: number): Promise<{ workers: readonly WorkerView[]; next?: Name }>
  counters(): Promise<Counters>
  connectionClosed(connection: ConnectionId): Promise<void>
}
