import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { mayStop } from '../permissions.js'

export async function stopJob(params: Params<'job.stop'>, call: Call): Promise<Result<'job.stop'>> {
  const view = await call.services.store.findJob(params.job)
  if (!view) throw new JankinsError('E_JOB_NOT_FOUND', { job: params.job })
  mayStop(call, params.job, view.user)
  return call.services.writer.stopJob(params.job, call.session.caller.user)
}
