import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { heldLease } from '../held.js'

export async function startedJob(params: Params<'job.started'>, call: Call): Promise<Result<'job.started'>> {
  heldLease(call, params.job, params.lease)
  await call.services.writer.started(params.job, params.lease, params.pid)
  return {}
}
