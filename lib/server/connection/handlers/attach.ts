import { HEARTBEAT_MS, LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

export async function attachWorker(params: Params<'worker.attach'>, call: Call): Promise<Result<'worker.attach'>> {
  const { session, services } = call
  const { caller, isPrivate, address } = session
  const labels = [...new Set(params.labels)].sort((a, b) => (a < b ? -1 : 1))
  const worker = { ...params, labels, user: caller.user, isPrivate }
  session.isKnown = true
  session.attachment = await services.writer.attach(session.connection, worker)
  if (!isPrivate)
    services.log.warn('others can read what this worker is sent: it gets no job of an action with secrets', {
      ...{ worker: params.worker, address },
    })
  return { heartbeatMs: HEARTBEAT_MS, grantMs: LIMITS.grantMs.value }
}
