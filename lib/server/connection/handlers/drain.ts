import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

export const drainWorker = (params: Params<'worker.drain'>, call: Call): Promise<Result<'worker.drain'>> =>
  setDrained(params, call, true)

export const undrainWorker = (params: Params<'worker.undrain'>, call: Call): Promise<Result<'worker.undrain'>> =>
  setDrained(params, call, false)

/** Admins drain any worker, a worker's account those that attached under it. */
function setDrained({ worker }: Params<'worker.drain'>, { services, session }: Call, isDrained: boolean) {
  const { user, role } = session.caller
  return services.writer.drainWorker(worker, isDrained, user, role === 'admin')
}
