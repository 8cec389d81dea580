import { JankinsError } from '../../../../protocol/errors.js'
import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { hold } from '../held.js'
import { secretsOf } from '../job-secrets.js'
import { mayHold } from '../permissions.js'

export async function acknowledgeJob(
  params: Params<'job.acknowledge'>,
  call: Call,
): Promise<Result<'job.acknowledge'>> {
  const { session, services } = call
  const { job, lease } = params
  if (!session.attachment) throw new JankinsError('E_NOT_ATTACHED')
  const plain = await services.writer.acknowledgePlain(session.connection, job, lease)
  if (plain) {
    hold(call, job, lease, plain)
    return {}
  }
  // Before it is taken: a job whose secrets cannot be handed over must not be RUNNING here.
  const hadSecrets = !(await wasTakenOpenly(params, call)) && (await secretsOf(call, job)) !== undefined
  if (hadSecrets) await call.reserve(LIMITS.secretsBytesMax.value)
  const taken = await services.writer.acknowledge(session.connection, job, lease)
  if (!taken.isNew) await mayHold(call, job)
  hold(call, job, lease, taken)
  // They may have changed meanwhile, and from now on the answer is always the same.
  const secrets = hadSecrets ? await secretsOf(call, job) : undefined
  return { ...(secrets && { secrets }) }
}

/** What is RUNNING and came over a line that others can read has no secrets: they were set since. */
async function wasTakenOpenly({ job, lease }: Params<'job.acknowledge'>, call: Call): Promise<boolean> {
  const { session, services } = call
  if (session.isPrivate) return false
  try {
    await services.writer.resume(session.connection, job, lease)
    return true
  } catch (error) {
    if (error instanceof JankinsError && error.code === 'E_LEASE_LOST') return false
    throw error
  }
}
