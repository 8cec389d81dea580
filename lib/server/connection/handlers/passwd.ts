import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { mayChangePassword } from '../permissions.js'

/** A password that was changed because somebody else knew it has to end what they are doing with it. */
export async function changePassword(params: Params<'user.passwd'>, call: Call): Promise<Result<'user.passwd'>> {
  const { caller, connection } = call.session
  const { user = caller.user, endSessions, ...credential } = params
  mayChangePassword(call, user)
  await call.services.writer.setPassword(user, credential, endSessions ? { except: connection } : undefined)
  return {}
}
