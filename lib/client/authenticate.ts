import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { JankinsError } from '../../protocol/errors.js'
import type { Method, Params, Result } from '../../protocol/methods.js'
import {
  checkServerFinal,
  clientFinal,
  clientFirst,
  deriveKeys,
  readServerFirst,
  type ScramKeys,
} from '../../protocol/scram.js'
import { JANKINS_VERSION, PROTOCOL_VERSION } from '../../protocol/version.js'
import type { Login } from './connection.js'

/** What a password is turned into for one account: enough to log in, not enough to know the password. */
export interface LearnedKeys {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly keys: ScramKeys
}

export type Call = <M extends Method>(method: M, params: Params<M>) => Promise<Result<M>>

/**
 * SCRAM-SHA-256 over two calls. PROTOCOL.md §5.
 * @param onProof called when the last message of the client was sent: one request may follow at once
 * @throws JankinsError E_AUTH when either side could not prove itself, or when the keys belong to an older password
 */
export async function authenticate(
  call: Call,
  login: Login,
  onProof?: () => void,
): Promise<{ session: Result<'auth.finish'>; learned: LearnedKeys }> {
  const first = clientFirst(login.user, randomBytes(18).toString('base64'))
  const challenge = await call('auth.start', {
    protocol: PROTOCOL_VERSION,
    client: `jankins ${JANKINS_VERSION}`,
    mechanism: 'SCRAM-SHA-256',
    data: first.message,
  })
  const { salt, iterations, state } = readServerFirst(first.state, challenge.data)
  const keys =
    'keys' in login ? storedKeys(login, salt, iterations) : await deriveKeys(login.password, salt, iterations)
  const final = clientFinal(state, keys)
  const finished = call('auth.finish', { data: final.message })
  onProof?.()
  const session = await finished
  checkServerFinal(final.serverSignature, session.data)
  return { session, learned: { salt, iterations, keys } }
}

function storedKeys(login: Extract<Login, { keys: ScramKeys }>, salt: Uint8Array, iterations: number): ScramKeys {
  if (iterations !== login.iterations || !Buffer.from(salt).equals(login.salt))
    throw new JankinsError('E_AUTH', { cause: 'the password was changed since the last login' })
  return login.keys
}
