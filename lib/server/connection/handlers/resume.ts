import { JankinsError } from '../../../../protocol/errors.js'
import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { hold } from '../held.js'
import { secretsOf } from '../job-secrets.js'
import { mayHold } from '../permissions.js'

export async function resumeJob(params: Params<'job.resume'>, call: Call): Promise<Result<'job.resume'>> {
  const { writer, blobs, clock, leaseSlots } = call.services
  const resumed = await writer.resume(call.session.connection, params.job, params.lease)
  await mayHold(call, params.job)
  // The worker counts its lease anew from here: the daemon must too, whether or not a beat follows.
  if (leaseSlots.beat(resumed.slot, clock.monotonicMs()) === 'lost')
    throw new JankinsError('E_LEASE_LOST', { job: params.job })
  const held = hold(call, params.job, params.lease, resumed)
  const lengths = await blobs.lengths({ job: params.job, attempt: held.attempt })
  if (params.secrets) await call.reserve(LIMITS.secretsBytesMax.value)
  const secrets = params.secrets ? await secretsOf(call, params.job) : undefined
  return {
    stdoutBytes: lengths.stdout,
    stderrBytes: lengths.stderr,
    artifactsBytes: lengths.artifacts,
    stop: resumed.stop,
    ...(secrets && { secrets }),
  }
}
