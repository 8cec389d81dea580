import { JankinsError } from '../../../../protocol/errors.js'
import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { JobEventView, JobView } from '../../../../protocol/views.js'
import type { StoredEvent } from '../../../store/store.js'
import type { Call } from '../call.js'
import { pageBytes } from '../pages.js'
import { withLogBytes } from '../views.js'

export async function showJob(params: Params<'job.show'>, call: Call): Promise<Result<'job.show'>> {
  const { store, blobs } = call.services
  await call.reserve(pageBytes(LIMITS.pageRowsMax.value))
  const view = await store.findJob(params.job)
  if (!view) throw new JankinsError('E_JOB_NOT_FOUND', { job: params.job })
  const events = eventsOf(view, await store.readJobEvents(params.job))
  return { job: await withLogBytes(view, blobs), events }
}

export async function showAction(params: Params<'action.show'>, call: Call): Promise<Result<'action.show'>> {
  const { store, writer } = call.services
  await call.reserve(LIMITS.definitionBytesMax.value)
  const action = await store.findAction(params.action)
  const facts = await store.findActionFacts(params.action)
  if (!action || !facts) throw new JankinsError('E_ACTION_NOT_FOUND', { action: params.action })
  return { action, ...facts, running: await writer.runningOf(params.action) }
}

/** What the row says, and what was noted beside it, in the order of time. */
function eventsOf(job: JobView, stored: readonly StoredEvent[]): readonly JobEventView[] {
  const { attempt } = job
  const worker = job.worker === undefined ? {} : { worker: job.worker }
  const reason = job.reason === undefined ? {} : { reason: job.reason }
  const events: JobEventView[] = [{ kind: 'queued', atMs: job.queuedAtMs, attempt: 1, user: job.user }]
  for (const { startedAtMs, ...event } of stored) {
    const { worker: before } = event
    if (startedAtMs !== undefined && before !== undefined)
      events.push({ kind: 'started', atMs: startedAtMs, attempt: event.attempt, worker: before })
    events.push(event)
  }
  if (job.startedAtMs !== undefined) events.push({ kind: 'started', atMs: job.startedAtMs, attempt, ...worker })
  if (job.endedAtMs !== undefined) events.push({ kind: 'ended', atMs: job.endedAtMs, attempt, ...worker, ...reason })
  return events.sort((a, b) => a.attempt - b.attempt || a.atMs - b.atMs)
}
