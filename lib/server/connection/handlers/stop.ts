import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

/** Users stop their own jobs, admins any. */
export async function stopJob(params: Params<'job.stop'>, call: Call): Promise<Result<'job.stop'>> {
  const { user, role } = call.session.caller
  const view = await call.services.store.findJob(params.job)
  if (!view) throw new JankinsError('E_JOB_NOT_FOUND', { job: params.job })
  if (role !== 'admin' && view.user !== user) throw new JankinsError('E_FORBIDDEN', { job: params.job })
  return call.services.writer.stopJob(params.job, user)
}
