import type { Buffer } from 'node:buffer'
import type { JobSignal, Reason, TreeLayer } from '../../../protocol/fields.js'
import * as f from '../../../protocol/fields.js'
import type { JobId, Name, Sha256 } from '../../../protocol/ids.js'
import { obj } from '../../../protocol/schema.js'
import { definitionFields, type JobView } from '../../../protocol/views.js'
import { hexOf, NO_NAME, present } from './columns.js'
import type { Handle } from './database.js'
import { stateName } from './states.js'
import { storedJson } from './stored-json.js'
import { readUsage } from './usage.js'

/** The texts in full are read only where they are short: coalesce looks no further than it must. */
export const FIND_VIEW = `
  SELECT j.id, a.name AS action, j.state, j.reason, j.exit_code, j.signal, u.name AS user, j.worker, j.worker_user,
    j.attempt, j.priority, j.queued_at_ms, j.started_at_ms, j.ended_at_ms, j.heartbeat_at_ms, j.stop_requested_at_ms,
    j.pid, j.bundle, j.tree_layer, j.retry_of, j.artifact_bytes,
    coalesce(j.log_bytes, coalesce(j.durable_stdout_bytes, 0) + coalesce(j.durable_stderr_bytes, 0)) AS log_bytes,
    coalesce(j.definition_view, v.view) AS view,
    coalesce(j.parameters_view, j.parameters,
      (SELECT coalesce(f.parameters_view, f.parameters) FROM jobs f WHERE f.id = j.batch_of)) AS parameters
  FROM jobs j
  LEFT JOIN users u ON u.id = j.user
  LEFT JOIN queues q ON q.id = j.queue
  LEFT JOIN actions a ON a.id = q.action
  LEFT JOIN action_versions v ON v.id = coalesce(j.version, a.version)
  WHERE j.id = ?`

/** DefinitionView of texts.ts. */
const shown = obj({
  command: definitionFields.command,
  script: definitionFields.script,
  dir: definitionFields.dir,
  labels: definitionFields.labels,
})

interface ViewRow {
  readonly id: JobId
  readonly action: Name | null
  readonly state: number
  readonly reason: Reason | null
  readonly exit_code: number | null
  readonly signal: JobSignal | null
  readonly user: Name | null
  readonly worker: Name | null
  readonly worker_user: Name | null
  readonly attempt: number
  readonly priority: number
  readonly queued_at_ms: number
  readonly started_at_ms: number | null
  readonly ended_at_ms: number | null
  readonly heartbeat_at_ms: number | null
  readonly stop_requested_at_ms: number | null
  readonly pid: number | null
  readonly bundle: Buffer | null
  readonly tree_layer: TreeLayer | null
  readonly retry_of: JobId | null
  readonly artifact_bytes: number | null
  readonly log_bytes: number
  readonly view: string | null
  readonly parameters: string | null
}

/** Undefined when there is no such job, or none that has a state. What is damaged of the rest is left out. */
export function findJobView(handle: Handle, job: JobId): JobView | undefined {
  const row = handle.sql<ViewRow>(FIND_VIEW).get(job)
  const view = row && stateName(row.state) && viewOf(row)
  if (!view) return undefined
  return row.ended_at_ms === null ? view : { ...view, ...readUsage(handle, job) }
}

/** Of another table. */
const UNKNOWN = { cpuUserMs: undefined, cpuSystemMs: undefined, memoryPeakBytes: undefined }

function viewOf(row: ViewRow): JobView {
  const { command, script, dir, labels = [] } = storedJson(shown, row.view) ?? {}
  return present<JobView>({
    job: row.id,
    action: row.action,
    state: stateName(row.state),
    reason: row.reason,
    exitCode: row.exit_code,
    signal: row.signal,
    user: row.user ?? NO_NAME,
    worker: row.worker,
    workerUser: row.worker_user,
    attempt: row.attempt,
    priority: row.priority,
    queuedAtMs: row.queued_at_ms,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    heartbeatAtMs: row.heartbeat_at_ms,
    stopRequestedAtMs: row.stop_requested_at_ms,
    pid: row.pid,
    dir,
    command,
    script,
    parameters: storedJson(f.environment, row.parameters) ?? [],
    labels,
    bundle: hexOf<Sha256>(row.bundle),
    logBytes: row.log_bytes,
    artifactBytes: row.artifact_bytes ?? 0,
    treeLayer: row.tree_layer,
    ...UNKNOWN,
    retryOf: row.retry_of,
  })
}
