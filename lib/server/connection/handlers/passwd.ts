import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

/** One's own password, or for an admin anybody's. */
export async function changePassword(params: Params<'user.passwd'>, call: Call): Promise<Result<'user.passwd'>> {
  const { caller } = call.session
  const { user = caller.user, ...credential } = params
  if (user !== caller.user && caller.role !== 'admin') throw new JankinsError('E_FORBIDDEN', { user })
  await call.services.writer.setPassword(user, credential)
  return {}
}
