import { JankinsError } from '../../../../protocol/errors.js'
import type { JobId } from '../../../../protocol/ids.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { JobView } from '../../../../protocol/views.js'
import { isFinished } from '../../../domain/job.js'
import { type Call, park } from '../call.js'
import { withAside, withLogBytes } from '../views.js'

export async function waitForJob(params: Params<'job.wait'>, call: Call): Promise<Result<'job.wait'>> {
  const { services, session } = call
  const { job, waitMs } = params
  const before = await find(job, call)
  if (isFinished(before.state)) return { job: before }
  if (waitMs > 0) await park(call, wait => services.writer.waitForEnd(session.connection, job, waitMs, wait))
  const after = await withLogBytes(waitMs > 0 ? await find(job, call) : before, services.blobs)
  return { job: await withAside(after, services.store) }
}

async function find(job: JobId, call: Call): Promise<JobView> {
  const view = await call.services.store.findJob(job)
  if (!view) throw new JankinsError('E_JOB_NOT_FOUND', { job })
  return view
}
