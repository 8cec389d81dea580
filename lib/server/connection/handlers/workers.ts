import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { fitPage, pageBytes } from '../pages.js'

export async function listWorkers(params: Params<'worker.list'>, call: Call): Promise<Result<'worker.list'>> {
  const { after, limit = LIMITS.pageRowsMax.value } = params
  await call.reserve(pageBytes(limit))
  const page = await call.services.writer.listWorkers(after, limit)
  const workers = fitPage(page.workers)
  const next = workers.length < page.workers.length ? workers.at(-1)?.worker : page.next
  return { workers, ...(next !== undefined && { next }) }
}
