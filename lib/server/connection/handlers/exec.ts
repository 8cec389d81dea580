import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import { completeDefinition } from '../../../domain/action.js'
import type { Call } from '../call.js'
import { mayExec } from '../permissions.js'
import { checkRoom } from '../room.js'
import { bundleIsThere } from './queue.js'

export async function execJob(params: Params<'job.exec'>, call: Call): Promise<Result<'job.exec'>> {
  mayExec(call)
  const { key, bundle, ...definition } = params
  for (const field of ['runningMax', 'allow'] as const)
    if (definition[field] !== undefined)
      throw new JankinsError('E_BAD_REQUEST', { field, expected: 'only with an action' })
  const complete = completeDefinition(definition)
  checkRoom(call)
  await bundleIsThere(call, bundle)
  const job = await call.services.writer.execJob(complete, {
    user: call.session.caller.user,
    role: call.session.caller.role,
    key,
    count: 1,
    parameters: [],
    ...(bundle !== undefined && { bundle }),
  })
  return { job }
}
