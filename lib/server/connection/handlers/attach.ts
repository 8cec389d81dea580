import { HEARTBEAT_MS, LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

export async function attachWorker(params: Params<'worker.attach'>, call: Call): Promise<Result<'worker.attach'>> {
  const { session, services } = call
  const labels = [...new Set(params.labels)].sort((a, b) => (a < b ? -1 : 1))
  const worker = { ...params, labels, user: session.caller.user }
  session.isKnown = true
  session.attachment = await services.writer.attach(session.connection, worker)
  return { heartbeatMs: HEARTBEAT_MS, grantMs: LIMITS.grantMs.value }
}
