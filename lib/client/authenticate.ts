import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { bestBinding } from '../../protocol/channel-binding.js'
import { JankinsError } from '../../protocol/errors.js'
import type { Name } from '../../protocol/ids.js'
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
import type { Wire } from '../base/wire.js'

/** A password costs PBKDF2 on every connection, derived keys do not. */
export type ScramLogin =
  | { readonly user: Name; readonly password: string }
  | { readonly user: Name; readonly salt: Uint8Array; readonly iterations: number; readonly keys: ScramKeys }

/** `certificate`: the one in Security.identity stands for the user. */
export type Login = ScramLogin | { readonly user: Name; readonly certificate: true }

/** What a password is turned into for one account: enough to log in, not enough to know the password. */
export interface LearnedKeys {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly keys: ScramKeys
}

export type Call = <M extends Method>(method: M, params: Params<M>) => Promise<Result<M>>

export interface Authenticated {
  readonly session: Result<'auth.finish'>
  /** Undefined where a certificate stood for the password. */
  readonly learned: LearnedKeys | undefined
}

/**
 * SCRAM-SHA-256 over two calls, bound to the connection where that has TLS; or a certificate. PROTOCOL.md §5.
 * @param bindings of the connection; undefined without TLS
 * @param onProof called when the last message of the client was sent: one request may follow at once
 * @throws JankinsError E_AUTH when either side could not prove itself, or when the keys belong to an older password
 */
export async function authenticate(
  call: Call,
  login: Login,
  bindings: Wire['bindings'] = {},
  onProof?: () => void,
): Promise<Authenticated> {
  if ('certificate' in login) return await authenticateByCertificate(call, login.user, onProof)
  const binding = bestBinding(bindings)
  const first = clientFirst(login.user, randomBytes(18).toString('base64'), binding)
  const challenge = await call('auth.start', {
    ...GREETING,
    mechanism: binding ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256',
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

const GREETING = { protocol: PROTOCOL_VERSION, client: `jankins ${JANKINS_VERSION}` } as const

/** TLS has proven both sides: neither step waits for the other. */
async function authenticateByCertificate(call: Call, user: Name, onProof?: () => void): Promise<Authenticated> {
  const started = call('auth.start', { ...GREETING, mechanism: 'EXTERNAL', data: Buffer.from(user) })
  const finished = call('auth.finish', { data: Buffer.alloc(0) })
  onProof?.()
  const [, session] = await Promise.all([started, finished])
  return { session, learned: undefined }
}

function storedKeys(login: Extract<ScramLogin, { keys: ScramKeys }>, salt: Uint8Array, iterations: number): ScramKeys {
  if (iterations !== login.iterations || !Buffer.from(salt).equals(login.salt))
    throw new JankinsError('E_AUTH', { cause: 'the password was changed since the last login' })
  return login.keys
}
