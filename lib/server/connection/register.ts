import { JankinsError } from '../../../protocol/errors.js'
import { tokenHash } from '../../../protocol/invite-token.js'
import { METHODS, type Result } from '../../../protocol/methods.js'
import { check } from '../../../protocol/schema.js'
import { entryText } from '../../audit/line.js'
import type { Request } from './request.js'
import type { Peer, Services } from './services.js'

/**
 * Makes the account of an invitation, for a peer that has not authenticated: all that speaks for it is the token.
 * @throws JankinsError E_BAD_REQUEST, E_INVITE, E_USER_EXISTS, E_THROTTLED
 */
export async function register(
  request: Request,
  services: Services,
  { connection, address }: Peer,
): Promise<Result<'user.register'>> {
  const { token, user, ...credential } = check(METHODS['user.register'].params, request.params)
  const { writer, clock, logins, requireApproval } = services
  // Of no user: whom a token is for is not known, so the address alone is what is held back.
  const attempt = logins.begin('', address, clock.monotonicMs())
  const registration = {
    ...{ tokenSha256: tokenHash(token), user, credential },
    state: requireApproval ? 'pending' : 'active',
  } as const
  const noted = writer.noteRequest(
    entryText({ connection, address, method: 'user.register', request: request.id, params: { user } }),
  )
  try {
    const [{ role, state }] = await Promise.all([writer.register(registration, clock.nowMs()), noted])
    return { role, approved: state === 'active' }
  } catch (error) {
    if (error instanceof JankinsError && error.code === 'E_INVITE') attempt.failed()
    throw error
  }
}
