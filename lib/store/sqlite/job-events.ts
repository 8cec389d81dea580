import type { Reason } from '../../../protocol/fields.js'
import type { JobId, Name } from '../../../protocol/ids.js'
import type { Job, JobEvent } from '../../domain/job.js'
import type { StoredEvent } from '../store.js'
import { present } from './columns.js'
import type { Handle } from './database.js'

/** Of one job: its retries, and a stop. */
const EVENTS_MAX = 256
/** The aggregate alone gives the next number: it is one look at the end of the job's rows. */
const APPEND = `
  INSERT INTO job_events (job, number, at_ms, kind, attempt, started_at_ms, worker, user, reason)
  SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?, ?, ?
  FROM job_events WHERE job = ? HAVING coalesce(max(number), 0) < ${EVENTS_MAX}`
const READ = `
  SELECT at_ms, kind, attempt, started_at_ms, worker, user, reason FROM job_events WHERE job = ? ORDER BY number`

/** Notes what the rows of a job will not tell any more. To be called in the transaction of the change. */
export function noteJobEvent(handle: Handle, job: JobId, before: Job, after: Job, event: JobEvent): void {
  if (event.kind === 'stop-requested')
    append(handle, job, { kind: event.kind, atMs: event.atMs, attempt: before.attempt, user: event.by })
  if (before.state.kind !== 'RUNNING' || after.state.kind !== 'PENDING') return
  const { run } = before.state
  const common = { kind: 'attempt-over', attempt: before.attempt, worker: run.worker } as const
  const started = { startedAtMs: run.startedAtMs }
  if (event.kind === 'expired') append(handle, job, { ...common, ...started, atMs: event.atMs, reason: 'worker-lost' })
  if (event.kind === 'finished')
    append(handle, job, { ...common, ...started, atMs: event.end.endedAtMs, reason: event.end.reason })
}

/** In the order in which they happened. */
export const readJobEventRows = ({ sql }: Handle, job: JobId): readonly StoredEvent[] =>
  sql<EventRow>(READ)
    .all(job)
    .map(row =>
      present<StoredEvent>({
        atMs: row.at_ms,
        kind: row.kind,
        attempt: row.attempt,
        startedAtMs: row.started_at_ms,
        worker: row.worker,
        user: row.user,
        reason: row.reason,
      }),
    )

interface EventRow {
  readonly at_ms: number
  readonly kind: StoredEvent['kind']
  readonly attempt: number
  readonly started_at_ms: number | null
  readonly worker: Name | null
  readonly user: Name | null
  readonly reason: Reason | null
}

type Given = { readonly [K in keyof StoredEvent]: StoredEvent[K] | undefined }

function append({ sql }: Handle, job: JobId, event: Partial<Given> & Pick<StoredEvent, 'kind' | 'atMs' | 'attempt'>) {
  const { atMs, kind, attempt, startedAtMs = null, worker = null, user = null, reason = null } = event
  sql(APPEND).run(job, atMs, kind, attempt, startedAtMs, worker, user, reason, job)
}
