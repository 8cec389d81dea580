import { JankinsError } from '../../../protocol/errors.js'
import type { JobId } from '../../../protocol/ids.js'
import { type Job, type JobEvent, type JobState, nextJob } from '../../domain/job.js'
import { bytesOf } from './columns.js'
import type { Handle } from './database.js'
import { noteJobEvent } from './job-events.js'
import { readJobRow } from './job-row.js'
import { keepEarlier, keepFiles } from './kept.js'
import { STATE_NUMBERS } from './states.js'
import { writeUsage } from './usage.js'

/** The definition as it is now; NULL for job.exec, and where its row is missing. */
const VERSION_NOW = `
  (SELECT v.id FROM queues q JOIN actions a ON a.id = q.action JOIN action_versions v ON v.id = a.version
   WHERE q.id = jobs.queue)`
// Each event is one update by primary key; which columns it touches follows from the states on both sides.
const START = `
  UPDATE jobs SET state = ?, lease = ?, home_daemon = ?, home_epoch = ?, worker = ?, worker_user = ?, started_at_ms = ?,
    pid = ?,
    version = coalesce(?, ${VERSION_NOW})
  WHERE id = ?`
const CHANGE_RUNNING = `
  UPDATE jobs SET home_daemon = ?, home_epoch = ?, pid = ?, stop_requested_at_ms = ?, reason = ? WHERE id = ?`
const START_OVER = `
  UPDATE jobs SET state = ?, attempt = ?, retries_left = ?, lease = ?, home_daemon = NULL, home_epoch = NULL,
    worker = NULL, worker_user = NULL, started_at_ms = NULL, pid = NULL, heartbeat_at_ms = NULL, version = NULL,
    durable_stdout_bytes = NULL, durable_stderr_bytes = NULL
  WHERE id = ?`
/** A job that never ran would have run what its action says now. */
const END = `
  UPDATE jobs SET state = ?, lease = ?, home_daemon = NULL, home_epoch = NULL, stop_requested_at_ms = ?, ended_at_ms = ?,
    exit_code = ?, signal = ?, reason = ?, log_bytes = ?, artifact_bytes = ?, artifact_sha256 = ?, tree_layer = ?,
    pid = ?,
    version = coalesce(version, ${VERSION_NOW})
  WHERE id = ?`

/** To be called in a transaction. @throws JankinsError E_JOB_NOT_FOUND, and what nextJob throws */
export function applyJobEvent(
  handle: Handle,
  job: JobId,
  event: JobEvent,
  version: number | undefined,
): { before: Job; after: Job; queue: number } {
  const row = readJobRow(handle, job)
  if (!row) throw new JankinsError('E_JOB_NOT_FOUND', { job })
  const after = nextJob(row.job, event)
  if (after !== row.job) {
    writeJob(handle, job, row.queue, row.job, after, version)
    if (after.attempt > row.job.attempt) keepEarlier(handle, job, bytesLeft(event))
    noteJobEvent(handle, job, row.job, after, event)
  }
  return { before: row.job, after, queue: row.queue }
}

/** On the disk, by the attempt that `event` ended. */
const bytesLeft = (event: JobEvent): number => {
  if (event.kind === 'finished') return event.end.logBytes + event.end.artifactBytes
  return event.kind === 'expired' ? event.logBytes : 0
}

function writeJob(
  handle: Handle,
  job: JobId,
  queue: number,
  before: Job,
  after: Job,
  version: number | undefined,
): void {
  const { state } = after
  const { sql } = handle
  switch (state.kind) {
    case 'PENDING':
      sql(START_OVER).run(STATE_NUMBERS.PENDING, after.attempt, after.retriesLeft, bytesOf(state.lastLease), job)
      return
    case 'RUNNING':
      if (before.state.kind === 'PENDING') writeStart(handle, job, state, version)
      else writeChange(handle, job, state)
      return
    default: {
      const { end } = state
      writeEnd(handle, job, state)
      writeUsage(handle, job, end)
      keepFiles(handle, job, { queue, ended_at_ms: end.endedAtMs, bytes: end.logBytes + end.artifactBytes })
    }
  }
}

type Running = Extract<JobState, { kind: 'RUNNING' }>
type Finished = Extract<JobState, { readonly end: unknown }>

function writeStart({ sql }: Handle, job: JobId, { lease, home, run }: Running, version: number | undefined): void {
  sql(START).run(
    STATE_NUMBERS.RUNNING,
    bytesOf(lease),
    home.daemon,
    home.epoch,
    run.worker,
    run.workerUser,
    run.startedAtMs,
    run.pid ?? null,
    version ?? null,
    job,
  )
}

function writeChange({ sql }: Handle, job: JobId, { home, run, stopRequestedAtMs, stopReason }: Running): void {
  const { daemon, epoch } = home
  sql(CHANGE_RUNNING).run(daemon, epoch, run.pid ?? null, stopRequestedAtMs ?? null, stopReason ?? null, job)
}

function writeEnd({ sql }: Handle, job: JobId, { kind, lease, run, stopRequestedAtMs, end }: Finished): void {
  sql(END).run(
    STATE_NUMBERS[kind],
    bytesOf(lease),
    stopRequestedAtMs ?? null,
    end.endedAtMs,
    end.exitCode ?? null,
    end.signal ?? null,
    end.reason ?? null,
    end.logBytes,
    end.artifactBytes,
    bytesOf(end.artifactSha256),
    end.treeLayer ?? null,
    run?.pid ?? null,
    job,
  )
}
