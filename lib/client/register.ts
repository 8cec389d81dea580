import type { InviteToken, Name } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Result } from '../../protocol/methods.js'
import type { ScramCredential } from '../../protocol/scram.js'
import type { Address, Dial } from '../base/wire.js'
import { formatAddress } from './address.js'
import { Calls, ConnectionLostError } from './calls.js'

export interface RegisterOptions {
  readonly dial: Dial
  readonly address: Address
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

async function once({ dial, address, token, user, credential }: RegisterOptions): Promise<Result<'user.register'>> {
  const wire = await dial(address).catch(cause => {
    throw new ConnectionLostError(`cannot reach ${formatAddress(address)}`, { cause })
  })
  const calls = new Calls(wire, LIMITS.frameBytesBeforeAuth.value)
  try {
    return await calls.call('user.register', { token, user, ...credential })
  } finally {
    calls.destroy()
  }
}
