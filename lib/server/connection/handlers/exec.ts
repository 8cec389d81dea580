import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import { completeDefinition } from '../../../domain/action.js'
import type { Call } from '../call.js'
import { checkRoom } from '../room.js'
import { bundleIsThere } from './queue.js'

export async function execJob(params: Params<'job.exec'>, call: Call): Promise<Result<'job.exec'>> {
  mayExec(call)
  const { key, bundle, ...definition } = params
  if (definition.runningMax !== undefined)
    throw new JankinsError('E_BAD_REQUEST', { field: 'runningMax', expected: 'only with an action' })
  const complete = completeDefinition(definition)
  checkRoom(call)
  await bundleIsThere(call, bundle)
  const job = await call.services.writer.execJob(complete, {
    user: call.session.caller.user,
    key,
    count: 1,
    parameters: [],
    ...(bundle !== undefined && { bundle }),
  })
  return { job }
}

/** Commands of one's own choosing: admins, and accounts that an admin allowed it. @throws JankinsError E_FORBIDDEN */
export function mayExec(call: Call): void {
  const { role, mayExec } = call.session.caller
  if (role !== 'admin' && !mayExec) throw new JankinsError('E_FORBIDDEN', { method: 'job.exec' })
}
