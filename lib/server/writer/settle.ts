import type { JobId } from '../../../protocol/ids.js'
import type { Head, JobChange, QueueId } from '../../store/store.js'
import { endCounter } from '../metrics/ended.js'
import type { Core } from './core.js'
import type { Lease } from './leases.js'

/** What a committed change of a job means for memory: leases, queues, counters, and who waits for it. */
export function settle(core: Core, job: JobId, { before, after, queue }: JobChange): void {
  if (after === before) return
  if (before.state.kind === 'PENDING' && after.state.kind !== 'PENDING') {
    core.counts.pending--
    core.aside.forget(job)
    if (after.state.kind !== 'RUNNING') leaveQueue(core, job, queue)
  }
  if (before.state.kind === 'RUNNING' && after.state.kind !== 'RUNNING') {
    const held = core.leases.get(job)
    if (after.state.kind === 'PENDING') {
      core.counts.pending++
      // Before the lease is dropped: the place that it frees in the queue is for the best job, which may be this one.
      if (held?.terms) core.dispatcher.added(queue, [{ job, priority: held.terms.priority }])
      else void comeBack(core, job, queue)
    }
    if (held) dropLease(core, held)
  }
  if (after.state.kind === 'PENDING' || after.state.kind === 'RUNNING') core.waiters.grew(job)
  else {
    core.metrics.count(endCounter(after.state))
    core.waiters.ended(job)
  }
}

/** The worker hears of it with its next beat, or when it acknowledges. */
export function requestStop(core: Core, job: JobId): void {
  const held = core.leases.get(job)
  const offer = core.offers.ofJob(job)
  if (held) {
    held.isStopped = true
    core.leaseSlots.requestStop(held.slot)
  } else if (offer) offer.isStopped = true
}

/** The row of `held` is not RUNNING any more, or not this lease's. */
export function dropLease(core: Core, held: Lease): void {
  if (!core.leases.remove(held)) return
  core.leaseSlots.close(held.slot)
  const offer = core.offers.get(held.lease)
  if (offer) {
    core.offers.remove(offer)
    core.claims.forget(offer.claim)
  }
  core.dispatcher.left(held.queue)
  core.dispatcher.leaseFreed()
}

/** A job that waited was cancelled. An acknowledgement that is being written just now is refused by the store. */
function leaveQueue(core: Core, job: JobId, queue: QueueId): void {
  const offer = core.offers.ofJob(job)
  if (!offer) {
    core.dispatcher.gone(queue, job)
    return
  }
  core.offers.remove(offer)
  core.claims.forget(offer.claim)
  core.leaseSlots.close(offer.slot)
  core.dispatcher.withdrawn(queue, job)
  core.dispatcher.leaseFreed()
}

/** The priority of a job that an earlier start of the daemon granted has to be read. */
async function comeBack(core: Core, job: JobId, queue: QueueId): Promise<void> {
  let head: Head = { job, priority: 0 }
  try {
    const order = await core.store.readOrder(job)
    if (order) head = { job, priority: order.priority }
  } catch (error) {
    core.log.error('a job comes back with an unknown priority', { job }, error)
  }
  core.dispatcher.added(queue, [head])
}
