import { JankinsError } from '../../../protocol/errors.js'
import { type JobId, parseJobId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { fitReply } from '../page.js'
import type { JobFilter, JobPage } from '../store.js'
import type { Handle } from './database.js'
import { type Fits, firstIdFrom, READ_FACTS, restOf } from './filters.js'
import { findJobView } from './job-view.js'
import { queueOfAction } from './queues.js'
import { STATE_NUMBERS } from './states.js'

/**
 * Newest first with any set of filters: each filter with an index is a lane of ids, and the lanes leap over one another
 * to the next id that all of them have. So a page of two filters that rarely meet costs as many seeks as there are
 * changes between them, and no filter has to be chosen as the selective one. One seek is one entry of an index.
 */
export const LANES = {
  all: 'SELECT id FROM jobs WHERE id <= ? ORDER BY id DESC LIMIT 1',
  state:
    'SELECT id FROM jobs INDEXED BY jobs_state WHERE state = ? AND state <> 3 AND id <= ? ORDER BY id DESC LIMIT 1',
  queue: 'SELECT id FROM jobs INDEXED BY jobs_queue WHERE queue = ? AND id <= ? ORDER BY id DESC LIMIT 1',
  user: 'SELECT id FROM jobs INDEXED BY jobs_user WHERE user = ? AND id <= ? ORDER BY id DESC LIMIT 1',
  worker: 'SELECT id FROM jobs INDEXED BY jobs_worker WHERE worker = ? AND id <= ? ORDER BY id DESC LIMIT 1',
} as const
const FIND_USER = 'SELECT id FROM users WHERE name = ?'

/** The largest id up to `idMax` in this lane. */
type Lane = (idMax: number) => number | undefined

/** To be called in one snapshot. @throws JankinsError E_ACTION_NOT_FOUND, E_USER_NOT_FOUND, E_JOB_NOT_FOUND */
export function queryJobRows(handle: Handle, filter: JobFilter, after: JobId | undefined, limit: number): JobPage {
  const lanes = lanesOf(handle, filter)
  const span = spanOf(handle, filter, after)
  const { ids, next } = walk(lanes, restOf(handle, filter), span, limit)
  const views = ids.map(id => findJobView(handle, id as JobId)).filter(view => view !== undefined)
  const jobs = fitReply(views)
  const nextId = jobs.length < views.length ? jobs.at(-1)?.job : next && parseJobId(next)
  return { jobs, ...(nextId && { next: nextId }) }
}

/** At most pageVisitedMax entries are looked at, those of the views that follow included. */
function walk(lanes: readonly Lane[], test: Fits | undefined, span: Span, limit: number) {
  const ids: number[] = []
  let idMax = span.idEnd - 1
  let seeks = LIMITS.pageVisitedMax.value - limit
  while (seeks > lanes.length) {
    const id = leap(lanes, idMax)
    seeks -= id.seeks
    if (id.kind === 'none') return { ids, next: undefined }
    idMax = id.idMax
    if (idMax < span.idMin) return { ids, next: undefined }
    if (id.kind === 'passed') continue
    const answer = test?.(idMax)
    seeks -= answer?.visited ?? 0
    if (answer?.fits !== false) {
      // One more than fits into the page: only now it is known that there is a next one.
      if (ids.length === limit) return { ids, next: ids.at(-1) }
      ids.push(idMax)
    }
    idMax--
  }
  return { ids, next: idMax >= span.idMin ? idMax + 1 : undefined }
}

/** Ids that are looked at: `idEnd` itself is not. */
interface Span {
  readonly idMin: number
  readonly idEnd: number
}

function spanOf(handle: Handle, { queuedFromMs, queuedBeforeMs }: JobFilter, after: JobId | undefined): Span {
  const idMin = queuedFromMs === undefined ? 1 : firstIdFrom(handle, queuedFromMs)
  const idEnd = after ?? (queuedBeforeMs === undefined ? Number.MAX_SAFE_INTEGER : firstIdFrom(handle, queuedBeforeMs))
  return { idMin, idEnd }
}

type Leap =
  | { readonly kind: 'none'; readonly seeks: number }
  /** Every lane has `idMax`. */
  | { readonly kind: 'met'; readonly idMax: number; readonly seeks: number }
  /** No id above `idMax` is in every lane. */
  | { readonly kind: 'passed'; readonly idMax: number; readonly seeks: number }

/** One round over the lanes, from `idMax` down. */
function leap(lanes: readonly Lane[], idMax: number): Leap {
  let seeks = 0
  let candidate: number | undefined
  for (const lane of lanes) {
    seeks++
    const id = lane(candidate ?? idMax)
    if (id === undefined) return { kind: 'none', seeks }
    if (candidate !== undefined && id < candidate) return { kind: 'passed', idMax: id, seeks }
    candidate = id
  }
  return { kind: 'met', idMax: candidate as number, seeks }
}

function lanesOf(handle: Handle, filter: JobFilter): Lane[] {
  const { sql } = handle
  const lane = (text: string, value: string | number): Lane => {
    const statement = sql<{ id: number }>(text)
    return idMax => statement.get(value, idMax)?.id
  }
  const lanes: Lane[] = []
  if (filter.jobs) lanes.push(laneOfJobs(handle, filter.jobs))
  if (filter.action !== undefined) lanes.push(lane(LANES.queue, queueOfAction(handle, filter.action)))
  if (filter.user !== undefined) lanes.push(lane(LANES.user, userOf(handle, filter.user)))
  if (filter.worker !== undefined) lanes.push(lane(LANES.worker, filter.worker))
  if (filter.state !== undefined && filter.state !== 'COMPLETE')
    lanes.push(lane(LANES.state, STATE_NUMBERS[filter.state]))
  if (lanes.length === 0) lanes.push(idMax => sql<{ id: number }>(LANES.all).get(idMax)?.id)
  return lanes
}

function laneOfJobs({ sql }: Handle, jobs: readonly JobId[]): Lane {
  for (const job of jobs)
    if (sql<unknown>(READ_FACTS).get(job) === undefined) throw new JankinsError('E_JOB_NOT_FOUND', { job })
  const newestFirst = [...new Set(jobs)].sort((a, b) => b - a)
  return idMax => newestFirst.find(id => id <= idMax)
}

function userOf({ sql }: Handle, user: string): number {
  const row = sql<{ id: number }>(FIND_USER).get(user)
  if (!row) throw new JankinsError('E_USER_NOT_FOUND', { user })
  return row.id
}
