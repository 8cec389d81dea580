import { JankinsError } from '../../protocol/errors.js'
import type { JobSignal, JobStateName, Reason, TreeLayer, Usage } from '../../protocol/fields.js'
import type { LeaseId, Name, Sha256 } from '../../protocol/ids.js'

/** Which daemon a running job's lease is kept by: only its reaper may end the job. */
export interface Home {
  readonly daemon: string
  /** Raised at every start of that daemon. */
  readonly epoch: number
}

/** Who runs an attempt. */
export interface Run {
  readonly worker: Name
  readonly workerUser: Name
  readonly startedAtMs: number
  readonly pid?: number
}

/** How an attempt ended, as the worker told it. */
export interface End extends Usage {
  readonly endedAtMs: number
  readonly exitCode?: number
  readonly signal?: JobSignal
  /** What the worker ended it for; missing when it ended by itself. */
  readonly reason?: Reason
  readonly logBytes: number
  readonly artifactBytes: number
  readonly artifactSha256?: Sha256
  readonly treeLayer?: TreeLayer
}

/** Times are ms since the epoch, by the daemon's clock. A finished state never changes. */
export type JobState =
  | {
      readonly kind: 'PENDING' /** of the attempt before: its worker may repeat its finish */
      readonly lastLease?: LeaseId
    }
  | {
      readonly kind: 'RUNNING'
      readonly lease: LeaseId
      readonly home: Home
      readonly run: Run
      readonly stopRequestedAtMs?: number
      /** Why, when nobody asked for this very job: it ends with this reason. */
      readonly stopReason?: 'worker-disabled'
    }
  | {
      readonly kind: 'COMPLETE' | 'TIMEOUT' | 'CANCELLED'
      /** Missing for a job that was cancelled before it ran. */
      readonly lease?: LeaseId
      readonly run?: Run
      readonly stopRequestedAtMs?: number
      readonly end: End
    }

/** What a transition reads and writes. */
export interface Job {
  /** Counts from 1. */
  readonly attempt: number
  /** New attempts that are still allowed after TIMEOUT. */
  readonly retriesLeft: number
  readonly state: JobState
}

export type JobEvent =
  /** A worker took its grant. */
  | {
      readonly kind: 'acknowledged'
      readonly lease: LeaseId
      readonly attempt: number
      readonly home: Home
      readonly run: Run
    }
  | { readonly kind: 'started'; readonly lease: LeaseId; readonly pid: number }
  | { readonly kind: 'resumed'; readonly lease: LeaseId; readonly home: Home }
  | {
      readonly kind: 'stop-requested'
      readonly atMs: number
      /** Whoever asked for it. */
      readonly by?: Name
      readonly reason?: 'worker-disabled'
    }
  | {
      readonly kind: 'finished'
      readonly lease: LeaseId
      readonly end: End
      /** Of the shell, where `started` has not told it. */
      readonly pid?: number
    }
  /** The reaper of `home` found the lease of `attempt` over. */
  | {
      readonly kind: 'expired'
      readonly home: Home
      readonly attempt: number
      readonly atMs: number
      readonly logBytes: number
    }

export const isFinished = (state: JobStateName): boolean => state !== 'PENDING' && state !== 'RUNNING'

/**
 * The only way that a job changes. Returns the job itself when the event was already taken (a repeated request).
 * @throws JankinsError E_LEASE_LOST when the event comes from a worker or a reaper that no longer holds the job
 */
export function nextJob(job: Job, event: JobEvent): Job {
  switch (event.kind) {
    case 'acknowledged':
      return acknowledged(job, event)
    case 'started':
      return started(job, event)
    case 'resumed':
      return resumed(job, event)
    case 'stop-requested':
      return stopRequested(job, event)
    case 'finished':
      return finished(job, event)
    case 'expired':
      return expired(job, event)
  }
}

type Event<K extends JobEvent['kind']> = Extract<JobEvent, { kind: K }>

function acknowledged(job: Job, event: Event<'acknowledged'>): Job {
  if (holds(job.state, event.lease)) return job
  if (job.state.kind !== 'PENDING' || job.attempt !== event.attempt) throw new JankinsError('E_LEASE_LOST')
  return { ...job, state: { kind: 'RUNNING', lease: event.lease, home: event.home, run: event.run } }
}

function started(job: Job, event: Event<'started'>): Job {
  if (!holds(job.state, event.lease)) throw new JankinsError('E_LEASE_LOST')
  if (job.state.run.pid === event.pid) return job
  return { ...job, state: { ...job.state, run: { ...job.state.run, pid: event.pid } } }
}

function resumed(job: Job, event: Event<'resumed'>): Job {
  if (!holds(job.state, event.lease)) throw new JankinsError('E_LEASE_LOST')
  if (sameHome(job.state.home, event.home)) return job
  return { ...job, state: { ...job.state, home: event.home } }
}

function stopRequested(job: Job, event: Event<'stop-requested'>): Job {
  const { state } = job
  if (state.kind === 'PENDING')
    return {
      ...job,
      state: {
        kind: 'CANCELLED',
        stopRequestedAtMs: event.atMs,
        end: { endedAtMs: event.atMs, reason: 'stopped', logBytes: 0, artifactBytes: 0 },
      },
    }
  if (state.kind !== 'RUNNING' || state.stopRequestedAtMs !== undefined) return job
  const { atMs: stopRequestedAtMs, reason: stopReason } = event
  return { ...job, state: { ...state, stopRequestedAtMs, ...(stopReason && { stopReason }) } }
}

function finished(job: Job, event: Event<'finished'>): Job {
  const { state } = job
  if (state.kind === 'PENDING' && state.lastLease === event.lease) return job
  if (
    state.kind !== 'PENDING' &&
    state.kind !== 'RUNNING' &&
    state.lease === event.lease &&
    state.end.reason !== 'worker-lost' &&
    state.end.reason !== 'worker-disabled'
  )
    return job
  if (!holds(state, event.lease)) throw new JankinsError('E_LEASE_LOST')
  if (event.end.reason === 'time-limit' && mayRetry(job)) return nextAttempt(job, event.lease)
  const reason = event.end.reason === 'stopped' ? (state.stopReason ?? 'stopped') : event.end.reason
  const run = event.pid === undefined ? state.run : { ...state.run, pid: event.pid }
  const kind = finishedKind(event.end.reason)
  return { ...job, state: ended({ ...state, run }, kind, { ...event.end, ...(reason && { reason }) }) }
}

function expired(job: Job, event: Event<'expired'>): Job {
  const { state } = job
  if (state.kind !== 'RUNNING' || !sameHome(state.home, event.home) || job.attempt !== event.attempt)
    throw new JankinsError('E_LEASE_LOST')
  if (mayRetry(job)) return nextAttempt(job, undefined)
  const reason = state.stopReason ?? 'worker-lost'
  const end: End = { endedAtMs: event.atMs, reason, logBytes: event.logBytes, artifactBytes: 0 }
  return { ...job, state: ended(state, state.stopRequestedAtMs === undefined ? 'TIMEOUT' : 'CANCELLED', end) }
}

type Running = Extract<JobState, { kind: 'RUNNING' }>

const holds = (state: JobState, lease: LeaseId): state is Running => state.kind === 'RUNNING' && state.lease === lease

const sameHome = (a: Home, b: Home): boolean => a.daemon === b.daemon && a.epoch === b.epoch

const mayRetry = (job: Job): boolean =>
  job.retriesLeft > 0 && job.state.kind === 'RUNNING' && job.state.stopRequestedAtMs === undefined

const nextAttempt = (job: Job, lastLease: LeaseId | undefined): Job => ({
  attempt: job.attempt + 1,
  retriesLeft: job.retriesLeft - 1,
  state: { kind: 'PENDING', ...(lastLease !== undefined && { lastLease }) },
})

const finishedKind = (reason: Reason | undefined): 'COMPLETE' | 'TIMEOUT' | 'CANCELLED' => {
  if (reason === 'time-limit') return 'TIMEOUT'
  return reason === 'stopped' || reason === 'log-limit' ? 'CANCELLED' : 'COMPLETE'
}

const ended = (state: Running, kind: 'COMPLETE' | 'TIMEOUT' | 'CANCELLED', end: End): JobState => ({
  kind,
  lease: state.lease,
  run: state.run,
  ...(state.stopRequestedAtMs !== undefined && { stopRequestedAtMs: state.stopRequestedAtMs }),
  end,
})
