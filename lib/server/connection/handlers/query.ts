import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { pageBytes } from '../pages.js'
import { withAside, withLogBytes } from '../views.js'

export async function queryJobs(params: Params<'job.query'>, call: Call): Promise<Result<'job.query'>> {
  const { store, blobs } = call.services
  const { after, limit = LIMITS.pageRowsMax.value, ...filter } = params
  await call.reserve(pageBytes(limit))
  const page = await store.queryJobs(filter, after, limit)
  const jobs = await Promise.all(page.jobs.map(view => withLogBytes(view, blobs)))
  if (!filter.jobs) return { ...page, jobs }
  return { ...page, jobs: await Promise.all(jobs.map(view => withAside(view, store))) }
}
