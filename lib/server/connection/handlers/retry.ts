import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import { assert } from '../../../base/assert.js'
import { isFinished } from '../../../domain/job.js'
import { readSoundOrder } from '../../grants.js'
import type { Call } from '../call.js'
import { mayExec } from '../permissions.js'
import { checkRoom } from '../room.js'
import { bundleIsThere } from './queue.js'

export async function retryJob(params: Params<'job.retry'>, call: Call): Promise<Result<'job.retry'>> {
  const { store, writer } = call.services
  const before = await store.readJob(params.job)
  if (!before) throw new JankinsError('E_JOB_NOT_FOUND', { job: params.job })
  if (!isFinished(before.state.kind)) throw new JankinsError('E_JOB_NOT_FINISHED', { job: params.job })
  const order = await readSoundOrder(store, params.job)
  if (order.action === undefined) mayExec(call)
  checkRoom(call)
  await bundleIsThere(call, order.bundle)
  const again = {
    user: call.session.caller.user,
    role: call.session.caller.role,
    key: params.key,
    count: 1,
    priority: order.priority,
    parameters: order.parameters,
    retryOf: params.job,
    ...(order.bundle !== undefined && { bundle: order.bundle }),
  }
  if (order.action === undefined) return { job: await writer.execJob(order.definition, again) }
  const [job] = await writer.queueJobs(order.action, again)
  assert(job !== undefined, 'one job was queued')
  return { job }
}
