import { JankinsError } from '../../../protocol/errors.js'
import type { JobId } from '../../../protocol/ids.js'
import type { Result } from '../../../protocol/methods.js'
import type { Call } from './call.js'
import { unseal } from './seal.js'

type Secrets = NonNullable<Result<'job.acknowledge'>['secrets']>

/**
 * What a job is given of its action's secrets; undefined when there are none.
 * @throws JankinsError E_NOT_PRIVATE, and E_JOB_DAMAGED when one cannot be opened
 */
export async function secretsOf(call: Call, job: JobId): Promise<Secrets | undefined> {
  const { services, session } = call
  const found = await services.store.readJobSecrets(job)
  if (!found) return undefined
  const { action, secrets } = found
  if (!session.isPrivate) throw new JankinsError('E_NOT_PRIVATE', { job, action })
  return secrets.map(({ secret, sealed }) => {
    const value = unseal(services.secretKey, { action, secret }, sealed)
    if (value !== undefined) return [secret, value]
    const reason = `the secret ${secret} of its action cannot be opened: set it again, or restore DATA/secret-key`
    services.log.error('a job cannot be given its secrets', { job, action, reason })
    throw new JankinsError('E_JOB_DAMAGED', { job, reason })
  })
}
