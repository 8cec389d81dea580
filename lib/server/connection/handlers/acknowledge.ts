import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { hold } from '../held.js'

export async function acknowledgeJob(
  params: Params<'job.acknowledge'>,
  call: Call,
): Promise<Result<'job.acknowledge'>> {
  const { session, services } = call
  if (!session.attachment) throw new JankinsError('E_NOT_ATTACHED')
  hold(call, params.job, params.lease, await services.writer.acknowledge(session.connection, params.job, params.lease))
  return {}
}
