import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

export async function whyJobWaits(params: Params<'job.why'>, call: Call): Promise<Result<'job.why'>> {
  const { store, writer } = call.services
  const reasons = await writer.explainWait(params.job)
  // Read behind the reasons: a job that has started meanwhile has none.
  const job = await store.readJob(params.job)
  if (!job) throw new JankinsError('E_JOB_NOT_FOUND', { job: params.job })
  const state = job.state.kind
  return { state, reasons: state === 'PENDING' ? reasons : [] }
}
