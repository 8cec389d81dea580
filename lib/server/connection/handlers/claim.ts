import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

/** A cancelled claim still answers with the grant that was under way. */
export async function claimJob(params: Params<'job.claim'>, call: Call): Promise<Result<'job.claim'>> {
  const { session, services, cancellation } = call
  if (!session.attachment) throw new JankinsError('E_NOT_ATTACHED')
  const claimed = services.writer.claim(session.connection, params.claim, params.waitMs)
  cancellation.onCancel(() => {
    services.writer
      .cancelClaim(session.connection, params.claim)
      .catch(error => services.log.error('a claim was not cancelled', { connection: session.connection }, error))
  })
  const grant = await claimed
  if (grant) return { grant }
  if (cancellation.reason !== undefined) throw new JankinsError(cancellation.reason)
  return {}
}
