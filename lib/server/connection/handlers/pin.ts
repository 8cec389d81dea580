import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

export const pinJob = (params: Params<'job.pin'>, call: Call): Promise<Result<'job.pin'>> =>
  setPinned(params, call, true)

/** Users pin and unpin their own jobs, admins any. @throws JankinsError E_JOB_NOT_FOUND, E_FORBIDDEN, E_PRUNED */
export async function setPinned({ job }: Params<'job.pin'>, call: Call, pinned: boolean): Promise<Result<'job.pin'>> {
  const { user, role } = call.session.caller
  const view = await call.services.store.findJob(job)
  if (!view) throw new JankinsError('E_JOB_NOT_FOUND', { job })
  if (role !== 'admin' && view.user !== user) throw new JankinsError('E_FORBIDDEN', { job })
  return call.services.writer.setPinned(job, pinned)
}
