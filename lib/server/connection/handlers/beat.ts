import { JankinsError } from '../../../../protocol/errors.js'
import type { LeaseId } from '../../../../protocol/ids.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

/** Touches shared memory only: a beat waits for no disk and for no other thread. */
export function beatWorker(params: Params<'worker.beat'>, call: Call): Result<'worker.beat'> {
  const { session, services } = call
  const nowMs = services.clock.monotonicMs()
  if (!session.attachment || !services.workerSlots.beat(session.attachment, nowMs, params.free, params.load)) {
    session.attachment = undefined
    throw new JankinsError('E_NOT_ATTACHED')
  }
  const stop: LeaseId[] = []
  const lost: LeaseId[] = []
  for (const lease of params.leases) {
    const held = session.leases.get(lease)
    const answer = held ? services.leaseSlots.beat(held.slot, nowMs) : 'lost'
    if (answer === 'stop') stop.push(lease)
    if (answer !== 'lost') continue
    lost.push(lease)
    session.leases.delete(lease)
  }
  services.metrics.count('heartbeat')
  return { stop, lost }
}
