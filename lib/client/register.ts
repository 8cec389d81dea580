import { JankinsError } from '../../protocol/errors.js'
import type { InviteToken, Name } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Result } from '../../protocol/methods.js'
import type { ScramCredential } from '../../protocol/scram.js'
import type { Address, Dial, Security } from '../base/wire.js'
import { formatAddress } from './address.js'
import { Calls, ConnectionLostError } from './calls.js'

export interface RegisterOptions {
  readonly dial: Dial
  readonly address: Address
  /** As in ConnectOptions: the token is a secret. */
  readonly security?: Security | undefined
  readonly token: InviteToken
  readonly user: Name
  readonly credential: ScramCredential
}

const TRIES = 3

/**
 * Makes the account of an invitation. A reply that is lost does no harm: the same registration is sent again.
 * @throws JankinsError E_INVITE, E_USER_EXISTS, and what else the daemon refused it with; ConnectionLostError
 */
export async function register(options: RegisterOptions): Promise<Result<'user.register'>> {
  for (let tries = 1; ; tries++) {
    try {
      return await once(options)
    } catch (error) {
      if (!(error instanceof ConnectionLostError) || tries === TRIES) throw error
    }
  }
}

async function once(options: RegisterOptions): Promise<Result<'user.register'>> {
  const { dial, address, security, token, user, credential } = options
  const wire = await dial(address, security).catch(cause => {
    throw new ConnectionLostError(`cannot reach ${formatAddress(address)}`, { cause })
  })
  const calls = new Calls(wire, LIMITS.frameBytesBeforeAuth.value)
  try {
    return await calls.call('user.register', { token, user, ...credential })
  } catch (error) {
    // What the daemon said of the connection as a whole does not pass by itself.
    throw error instanceof ConnectionLostError && error.cause instanceof JankinsError ? error.cause : error
  } finally {
    calls.destroy()
  }
}
