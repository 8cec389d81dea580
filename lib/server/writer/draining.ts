import { JankinsError } from '../../../protocol/errors.js'
import type { JobId, Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { giveBack } from './claiming.js'
import type { Core } from './core.js'

/** See Writer.drainWorker. */
export async function drainWorker(
  core: Core,
  worker: Name,
  isDrained: boolean,
  user: Name,
  ofAny: boolean,
): Promise<{ changed: boolean; jobs: readonly JobId[] }> {
  const entry = core.workers.find(worker)
  if (!entry && !core.drained.has(worker)) throw new JankinsError('E_WORKER_NOT_FOUND', { worker })
  if (!ofAny && entry?.user !== user) throw new JankinsError('E_FORBIDDEN', { worker })
  const { changed } = await core.store.setWorkerDrained(worker, user, isDrained, Math.round(core.clock.nowMs()))
  if (isDrained) core.drained.add(worker)
  else if (core.drained.delete(worker)) core.dispatcher.readmitted()
  const offers = core.offers.ofWorker(worker)
  // What is being taken just now will be its job; the rest goes to others.
  if (isDrained) for (const offer of offers) if (offer.taking === undefined) giveBack(core, offer, 'PENDING')
  const taking = offers.filter(offer => offer.taking !== undefined).map(offer => offer.head.job)
  const jobs = [...new Set([...core.leases.jobsOf(worker), ...taking])]
  return { changed, jobs: jobs.slice(0, LIMITS.slotsMax.value) }
}
