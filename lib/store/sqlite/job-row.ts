import type { Buffer } from 'node:buffer'
import type { JobSignal, Reason, TreeLayer, Usage } from '../../../protocol/fields.js'
import type { JobId, LeaseId, Name, Sha256 } from '../../../protocol/ids.js'
import { unreachable } from '../../base/assert.js'
import type { End, Job, JobState, Run } from '../../domain/job.js'
import { hexOf, NO_NAME, present } from './columns.js'
import type { Handle } from './database.js'
import { homeOf, type LeaseColumns, leaseOf } from './lease-columns.js'
import { stateName } from './states.js'
import { readUsage } from './usage.js'

/** The columns that hold what domain/job.ts knows of a job. */
interface JobRow extends LeaseColumns {
  readonly queue: number
  readonly state: number
  readonly attempt: number
  readonly retries_left: number
  readonly worker: Name | null
  readonly worker_user: Name | null
  readonly started_at_ms: number | null
  readonly pid: number | null
  readonly stop_requested_at_ms: number | null
  readonly ended_at_ms: number | null
  readonly exit_code: number | null
  readonly signal: JobSignal | null
  readonly reason: Reason | null
  readonly log_bytes: number | null
  readonly artifact_bytes: number | null
  readonly artifact_sha256: Buffer | null
  readonly tree_layer: TreeLayer | null
}

const READ_JOB = `
  SELECT queue, state, attempt, retries_left, lease, home_daemon, home_epoch, worker, worker_user, started_at_ms, pid,
    stop_requested_at_ms, ended_at_ms, exit_code, signal, reason, log_bytes, artifact_bytes, artifact_sha256, tree_layer
  FROM jobs WHERE id = ?`

export function readJobRow(handle: Handle, job: JobId): { readonly queue: number; readonly job: Job } | undefined {
  const row = handle.sql<JobRow>(READ_JOB).get(job)
  if (!row) return undefined
  const state = stateOf(row, () => readUsage(handle, job))
  return { queue: row.queue, job: { attempt: row.attempt, retriesLeft: row.retries_left, state } }
}

function stateOf(row: JobRow, usage: () => Usage): JobState {
  const kind = stateName(row.state)
  const lease = hexOf<LeaseId>(row.lease)
  switch (kind) {
    case 'PENDING':
      return lease === null ? { kind } : { kind, lastLease: lease }
    case 'RUNNING':
      return present<Extract<JobState, { kind: 'RUNNING' }>>({
        kind,
        lease: leaseOf(row),
        home: homeOf(row),
        run: runOf(row) ?? NO_RUN,
        stopRequestedAtMs: row.stop_requested_at_ms,
        // The only reason that a job has before its end.
        stopReason: row.reason === 'worker-disabled' ? row.reason : null,
      })
    case 'COMPLETE':
    case 'TIMEOUT':
    case 'CANCELLED':
      return present<Extract<JobState, { end: End }>>({
        kind,
        lease,
        run: runOf(row),
        stopRequestedAtMs: row.stop_requested_at_ms,
        end: { ...endOf(row), ...usage() },
      })
    default:
      return unreachable(kind)
  }
}

/** Of a RUNNING job whose row has lost who runs it. */
const NO_RUN: Run = { worker: NO_NAME, workerUser: NO_NAME, startedAtMs: 0 }

/** Null for a job that has no worker. */
const runOf = (row: JobRow): Run | null =>
  row.worker === null
    ? null
    : present<Run>({
        worker: row.worker,
        workerUser: row.worker_user,
        startedAtMs: row.started_at_ms,
        pid: row.pid,
      })

const endOf = (row: JobRow): End =>
  present<Omit<End, keyof Usage>>({
    endedAtMs: row.ended_at_ms,
    exitCode: row.exit_code,
    signal: row.signal,
    reason: row.reason,
    logBytes: row.log_bytes,
    artifactBytes: row.artifact_bytes,
    artifactSha256: hexOf<Sha256>(row.artifact_sha256),
    treeLayer: row.tree_layer,
  })
