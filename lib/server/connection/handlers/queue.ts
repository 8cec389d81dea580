import { JankinsError } from '../../../../protocol/errors.js'
import type { Sha256 } from '../../../../protocol/ids.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import { checkParameters } from '../../../domain/action.js'
import type { Call } from '../call.js'
import { checkRoom } from '../room.js'

export async function queueJobs(params: Params<'job.queue'>, call: Call): Promise<Result<'job.queue'>> {
  const { action, key, parameters = [], priority, bundle, count = 1 } = params
  checkParameters(parameters)
  checkRoom(call)
  await bundleIsThere(call, bundle)
  const jobs = await call.services.writer.queueJobs(action, {
    user: call.session.caller.user,
    role: call.session.caller.role,
    key,
    count,
    parameters,
    ...(priority !== undefined && { priority }),
    ...(bundle !== undefined && { bundle }),
  })
  return { jobs }
}

/** @throws JankinsError E_BUNDLE_NOT_FOUND when the daemon does not have all of it */
export async function bundleIsThere(call: Call, bundle: Sha256 | undefined): Promise<void> {
  if (bundle !== undefined && (await call.services.blobs.bundleBytes(bundle)) === undefined)
    throw new JankinsError('E_BUNDLE_NOT_FOUND', { sha256: bundle })
}
