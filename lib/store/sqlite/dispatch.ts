import type { Buffer } from 'node:buffer'
import { JankinsError } from '../../../protocol/errors.js'
import * as f from '../../../protocol/fields.js'
import { type JobId, type Name, parseJobId, type Sha256 } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { CompleteDefinition } from '../../domain/action.js'
import type { Head, JobOrder, Queue, QueueId, RunningJob } from '../store.js'
import { hexOf, present } from './columns.js'
import type { Handle } from './database.js'
import { homeOf, isLeaseWhole, leaseOf } from './lease-columns.js'
import { listQueues } from './queues.js'
import { storedJson } from './stored-json.js'

/** Two statements where one with OR would look at every job of the priority that was passed. */
export const HEADS_FIRST = `
  SELECT id AS job, priority FROM jobs INDEXED BY jobs_pending
  WHERE state = 1 AND queue = ? ORDER BY priority DESC, id LIMIT ?`
export const HEADS_SAME = `
  SELECT id AS job, priority FROM jobs INDEXED BY jobs_pending
  WHERE state = 1 AND queue = ? AND priority = ? AND id > ? ORDER BY id LIMIT ?`
export const HEADS_LOWER = `
  SELECT id AS job, priority FROM jobs INDEXED BY jobs_pending
  WHERE state = 1 AND queue = ? AND priority < ? ORDER BY priority DESC, id LIMIT ?`
export const FIND_ORDER = `
  SELECT j.attempt, u.name AS user, j.queue, q.labels, a.name AS action, j.priority, j.queued_at_ms,
    a.version, j.bundle,
    coalesce(v.definition, j.definition) AS definition,
    coalesce(j.parameters, (SELECT f.parameters FROM jobs f WHERE f.id = j.batch_of)) AS parameters
  FROM jobs j
  CROSS JOIN users u ON u.id = j.user
  CROSS JOIN queues q ON q.id = j.queue
  LEFT JOIN actions a ON a.id = q.action
  LEFT JOIN action_versions v ON v.id = a.version
  WHERE j.id = ?`
const RUNNING = `
  SELECT j.id, j.queue, j.attempt, j.lease, j.home_daemon, j.home_epoch, j.worker, j.stop_requested_at_ms,
    j.durable_stdout_bytes, j.durable_stderr_bytes,
    (SELECT CASE WHEN json_valid(coalesce(v.definition, j.definition))
       THEN coalesce(v.definition, j.definition) ->> 'leaseMs' END
     FROM (SELECT 1) LEFT JOIN action_versions v ON v.id = j.version) AS lease_ms
  FROM jobs j INDEXED BY jobs_state WHERE j.state = 2 AND j.state <> 3 ORDER BY j.id`
const COUNT_PENDING = 'SELECT count(*) AS count FROM jobs INDEXED BY jobs_pending WHERE state = 1'

export function readHeadRows({ sql }: Handle, queue: QueueId, after: Head | undefined, limit: number): Head[] {
  if (!after) return sql<Head>(HEADS_FIRST).all(queue, limit)
  const same = sql<Head>(HEADS_SAME).all(queue, after.priority, after.job, limit)
  if (same.length === limit) return same
  return [...same, ...sql<Head>(HEADS_LOWER).all(queue, after.priority, limit - same.length)]
}

interface OrderRow {
  readonly attempt: number
  readonly user: Name
  readonly queue: number
  readonly labels: string
  readonly action: Name | null
  readonly priority: number
  readonly queued_at_ms: number
  readonly version: number | null
  readonly bundle: Buffer | null
  /** Null where the row of the action or of its version is missing. */
  readonly definition: string | null
  readonly parameters: string | null
}

export function findOrder({ sql }: Handle, job: JobId): JobOrder | undefined {
  const row = sql<OrderRow>(FIND_ORDER).get(job)
  if (!row) return undefined
  if (row.labels !== NO_LABELS && storedJson(f.labels, row.labels) === undefined)
    throw damaged(job, 'its labels are damaged')
  return present<JobOrder>({
    job,
    attempt: row.attempt,
    user: row.user,
    queue: row.queue,
    action: row.action,
    priority: row.priority,
    queuedAtMs: row.queued_at_ms,
    definition: definitionOf(job, row),
    version: row.version,
    parameters: parametersOf(job, row),
    bundle: hexOf<Sha256>(row.bundle),
  })
}

/** Most jobs are for any worker: theirs need no look. */
const NO_LABELS = '[]'

function definitionOf(job: JobId, { definition }: OrderRow): CompleteDefinition {
  if (definition === null) throw damaged(job, 'the definition of its action is missing')
  try {
    return JSON.parse(definition) as CompleteDefinition
  } catch (cause) {
    throw damaged(job, 'its definition is damaged', cause)
  }
}

function parametersOf(job: JobId, { parameters }: OrderRow): [string, string][] {
  try {
    return parameters === null ? [] : (JSON.parse(parameters) as [string, string][])
  } catch (cause) {
    throw damaged(job, 'its parameters are damaged', cause)
  }
}

const damaged = (job: JobId, reason: string, cause?: unknown): JankinsError =>
  new JankinsError('E_JOB_DAMAGED', { job, reason }, { cause })

interface RunningRow {
  readonly id: number
  readonly queue: number
  readonly attempt: number
  readonly lease: Buffer | null
  readonly home_daemon: string | null
  readonly home_epoch: number | null
  readonly worker: Name | null
  readonly stop_requested_at_ms: number | null
  readonly durable_stdout_bytes: number | null
  readonly durable_stderr_bytes: number | null
  readonly lease_ms: unknown
}

/** To be called in one snapshot. */
export function readDispatch(handle: Handle): {
  queues: readonly Queue[]
  running: readonly RunningJob[]
  pending: number
} {
  const { sql } = handle
  return {
    queues: listQueues(handle),
    running: sql<RunningRow>(RUNNING).all().map(runningOf),
    pending: (sql<{ count: number }>(COUNT_PENDING).get() as { count: number }).count,
  }
}

function runningOf(row: RunningRow): RunningJob {
  const leaseMs = leaseMsOf(row.lease_ms)
  return present<RunningJob>({
    job: parseJobId(row.id) as JobId,
    queue: row.queue,
    attempt: row.attempt,
    lease: leaseOf(row),
    leaseMs: leaseMs ?? LIMITS.leaseMsDefault.value,
    home: homeOf(row),
    worker: row.worker,
    stopRequested: row.stop_requested_at_ms !== null,
    durableStdoutBytes: row.durable_stdout_bytes ?? 0,
    durableStderrBytes: row.durable_stderr_bytes ?? 0,
    fault: isLeaseWhole(row)
      ? leaseMs === undefined
        ? 'its definition is damaged'
        : undefined
      : 'its lease is damaged',
  })
}

/** Undefined when the definition does not tell it. */
function leaseMsOf(value: unknown): number | undefined {
  const isIn = typeof value === 'number' && value >= LIMITS.leaseMsMin.value && value <= LIMITS.leaseMsMax.value
  return isIn ? value : undefined
}
