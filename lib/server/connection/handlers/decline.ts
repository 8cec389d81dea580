import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

export async function declineJob(params: Params<'job.decline'>, call: Call): Promise<Result<'job.decline'>> {
  if (!call.session.attachment) throw new JankinsError('E_NOT_ATTACHED')
  await call.services.writer.decline(call.session.connection, params.job, params.lease)
  return {}
}
