import { JankinsError } from '../../../protocol/errors.js'
import type { JobId, Name } from '../../../protocol/ids.js'
import { type CompleteDefinition, mayQueue } from '../../domain/action.js'
import type { NewJobs, Queue } from '../../store/store.js'
import type { Core } from './core.js'
import { requestStop, settle } from './settle.js'
import type { QueueOrder, Writer } from './writer.js'

/** What people do with actions and jobs; the contracts are those of Writer. */
export const queueing = (
  core: Core,
): Pick<
  Writer,
  'addAction' | 'setSecret' | 'removeSecret' | 'setActionActive' | 'queueJobs' | 'execJob' | 'stopJob'
> => ({
  async addAction(action, definition, replace) {
    const nowMs = Math.round(core.clock.nowMs())
    const { changed, queue } = await core.store.putAction(action, definition, replace, nowMs)
    core.queues.putDefaults(action, definition)
    putQueue(core, queue)
    return { changed }
  },
  async setSecret(action, secret) {
    putQueue(core, await core.store.putSecret(action, secret, Math.round(core.clock.nowMs())))
  },
  async removeSecret(action, secret) {
    const { changed, queue } = await core.store.removeSecret(action, secret, Math.round(core.clock.nowMs()))
    putQueue(core, queue)
    return { changed }
  },
  async setActionActive(action, active) {
    const { changed, queue } = await core.store.setActionActive(action, active)
    putQueue(core, queue)
    return { changed }
  },
  queueJobs: (action, order) => queueJobs(core, action, order),
  execJob: (definition, order) => execJob(core, definition, order),
  stopJob: (job, by) => stopJob(core, job, by),
})

export function putQueue(core: Core, queue: Queue, running = 0): void {
  if (queue.fault !== undefined)
    core.log.error('the jobs of a queue are set aside', { queue: queue.id, action: queue.action, reason: queue.fault })
  core.queues.put(queue)
  core.dispatcher.putQueue(queue, running)
  // What could not be granted may be mended by the change.
  for (const { head } of core.aside.takeDue(Number.NEGATIVE_INFINITY, queue.id))
    core.dispatcher.restored(queue.id, head)
}

async function queueJobs(core: Core, action: Name, order: QueueOrder): Promise<readonly JobId[]> {
  const queue = core.queues.ofAction(action)
  const known = core.queues.defaultsOf(action)
  const { priority, retries, allow } = known instanceof Promise ? await known : known
  if (!queue.active || !mayQueue(allow, order.user, order.role)) {
    const jobs = await core.store.findRepeated(newJobs(core, order, { queue: queue.id, priority: 0, retries: 0 }))
    if (jobs) return jobs
    throw queue.active ? new JankinsError('E_FORBIDDEN', { action }) : new JankinsError('E_ACTION_DISABLED', { action })
  }
  return insert(core, newJobs(core, order, { queue: queue.id, priority: order.priority ?? priority, retries }))
}

async function execJob(core: Core, definition: CompleteDefinition, order: QueueOrder): Promise<JobId> {
  let queue = core.queues.ofLabels(definition.labels)
  if (!queue) {
    queue = await core.store.openExecQueue(definition.labels)
    if (!core.dispatcher.hasQueue(queue.id)) putQueue(core, queue)
  }
  const { priority, retries } = definition
  const place = { queue: queue.id, priority: order.priority ?? priority, retries }
  const jobs = await insert(core, { ...newJobs(core, order, place), definition })
  return jobs[0] as JobId
}

function newJobs(core: Core, order: QueueOrder, place: Pick<NewJobs, 'queue' | 'priority' | 'retries'>): NewJobs {
  const { user, key, count, parameters, bundle, retryOf } = order
  return {
    queue: place.queue,
    priority: place.priority,
    retries: place.retries,
    user,
    key,
    count,
    parameters,
    queuedAtMs: Math.round(core.clock.nowMs()),
    ...(bundle !== undefined && { bundle }),
    ...(retryOf !== undefined && { retryOf }),
  }
}

async function insert(core: Core, made: NewJobs): Promise<readonly JobId[]> {
  const askedAtMs = core.clock.monotonicMs()
  const { jobs, repeated } = await core.store.insertJobs(made)
  if (repeated) return jobs
  core.counts.pending += jobs.length
  core.metrics.count('queued', jobs.length)
  const heads = jobs.map(job => ({ job, priority: made.priority }))
  core.dispatcher.added(made.queue, heads)
  // A worker waited for these already.
  for (const job of jobs) {
    const offer = core.offers.ofJob(job)
    if (offer) offer.sinceMs = Math.max(askedAtMs, offer.claim.askedAtMs)
  }
  return jobs
}

async function stopJob(core: Core, job: JobId, by: Name | undefined): ReturnType<Writer['stopJob']> {
  const event = { kind: 'stop-requested', atMs: Math.round(core.clock.nowMs()) } as const
  const change = await core.store.applyEvent(job, by === undefined ? event : { ...event, by })
  const { state } = change.after
  settle(core, job, change)
  if (state.kind === 'RUNNING') requestStop(core, job)
  const isStopped = state.kind !== 'PENDING' && state.stopRequestedAtMs !== undefined
  return { state: state.kind, requested: isStopped && (state.kind === 'RUNNING' || state.kind === 'CANCELLED') }
}
