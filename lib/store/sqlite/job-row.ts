import type { Buffer } from 'node:buffer'
import type { JobSignal, Reason, TreeLayer, Usage } from '../../../protocol/fields.js'
import type { JobId, LeaseId, Name, Sha256 } from '../../../protocol/ids.js'
import { assert, unreachable } from '../../base/assert.js'
import type { End, Job, JobState, Run } from '../../domain/job.js'
import { hexOf, NO_NAME, present } from './columns.js'
import type { Handle } from './database.js'
import { homeOf, type LeaseColumns, leaseOf } from './lease-columns.js'
import { stateName } from './states.js'
import { readUsage } from './usage.js'

/** What every event reads of a job; each of them reads the row, so it is a tuple and has no more than that. */
type Row = readonly [
  queue: number,
  state: number,
  attempt: number,
  retriesLeft: number,
  lease: Buffer | null,
  homeDaemon: string | null,
  homeEpoch: number | null,
  worker: Name | null,
  workerUser: Name | null,
  startedAtMs: number | null,
  pid: number | null,
  stopRequestedAtMs: number | null,
  reason: Reason | null,
]
const READ = `
  SELECT queue, state, attempt, retries_left, lease, home_daemon, home_epoch, worker, worker_user, started_at_ms, pid,
    stop_requested_at_ms, reason
  FROM jobs WHERE id = ?`

/** The rest of a job that has ended. */
interface EndRow {
  readonly ended_at_ms: number | null
  readonly exit_code: number | null
  readonly signal: JobSignal | null
  readonly reason: Reason | null
  readonly log_bytes: number | null
  readonly artifact_bytes: number | null
  readonly artifact_sha256: Buffer | null
  readonly tree_layer: TreeLayer | null
}
const READ_END = `
  SELECT ended_at_ms, exit_code, signal, reason, log_bytes, artifact_bytes, artifact_sha256, tree_layer
  FROM jobs WHERE id = ?`

export function readJobRow(handle: Handle, job: JobId): { readonly queue: number; readonly job: Job } | undefined {
  const row = handle.tuples<Row>(READ).get(job)
  if (!row) return undefined
  const [queue, , attempt, retriesLeft] = row
  return { queue, job: { attempt, retriesLeft, state: stateOf(row, () => readEnd(handle, job)) } }
}

function stateOf(row: Row, end: () => End): JobState {
  const [, state, , , leaseBytes, homeDaemon, homeEpoch, ...rest] = row
  const [worker, workerUser, startedAtMs, pid, stopRequestedAtMs, reason] = rest
  const run = worker === null ? null : present<Run>({ worker, workerUser, startedAtMs, pid })
  const kind = stateName(state)
  const lease = hexOf<LeaseId>(leaseBytes)
  switch (kind) {
    case 'PENDING':
      return lease === null ? { kind } : { kind, lastLease: lease }
    case 'RUNNING': {
      const held: LeaseColumns = { lease: leaseBytes, home_daemon: homeDaemon, home_epoch: homeEpoch }
      return present<Extract<JobState, { kind: 'RUNNING' }>>({
        kind,
        lease: leaseOf(held),
        home: homeOf(held),
        run: run ?? NO_RUN,
        stopRequestedAtMs,
        // The only reason that a job has before its end.
        stopReason: reason === 'worker-disabled' ? reason : null,
      })
    }
    case 'COMPLETE':
    case 'TIMEOUT':
    case 'CANCELLED':
      return present<Extract<JobState, { end: End }>>({ kind, lease, run, stopRequestedAtMs, end: end() })
    default:
      return unreachable(kind)
  }
}

/** Of a RUNNING job whose row has lost who runs it. */
const NO_RUN: Run = { worker: NO_NAME, workerUser: NO_NAME, startedAtMs: 0 }

/** A job that has ended does not change: what is read after its state belongs to it. */
function readEnd(handle: Handle, job: JobId): End {
  const row = handle.sql<EndRow>(READ_END).get(job)
  assert(row, 'the row of a job that was just read')
  const end = present<Omit<End, keyof Usage>>({
    endedAtMs: row.ended_at_ms,
    exitCode: row.exit_code,
    signal: row.signal,
    reason: row.reason,
    logBytes: row.log_bytes,
    artifactBytes: row.artifact_bytes,
    artifactSha256: hexOf<Sha256>(row.artifact_sha256),
    treeLayer: row.tree_layer,
  })
  return { ...end, ...readUsage(handle, job) }
}
