import { randomBytes } from 'node:crypto'
import { JankinsError } from '../../../protocol/errors.js'
import type { UserState } from '../../../protocol/fields.js'
import { parseName } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { METHODS, type Params, type Result } from '../../../protocol/methods.js'
import { check } from '../../../protocol/schema.js'
import {
  readClientFirst,
  type ScramCredential,
  type ServerState,
  serverFinal,
  serverFirst,
  unknownUserCredential,
} from '../../../protocol/scram.js'
import { JANKINS_VERSION, PROTOCOL_VERSION } from '../../../protocol/version.js'
import type { Account } from '../../store/store.js'
import type { Caller } from './call.js'
import { certifiedUser } from './certificate.js'
import { boundedText } from './request.js'
import type { Peer, Services } from './services.js'

/** Between the two messages of the client. `user` is as the client sent it, for the log. */
export type Proof =
  | { readonly kind: 'certificate'; readonly user: string; readonly account: Account | undefined }
  | {
      readonly kind: 'scram'
      readonly user: string
      readonly account: Account | undefined
      readonly credential: ScramCredential
      readonly state: ServerState
    }

interface Step {
  readonly result: Result<'auth.start'>
  readonly proof: Proof
}

/** Whoever waits for approval is told so, but only who knows the password. */
const MAY_PROVE: ReadonlySet<UserState> = new Set<UserState>(['active', 'pending'])

/**
 * First step: of SCRAM, or all that a certificate needs.
 * @throws JankinsError E_VERSION, E_BAD_REQUEST, E_AUTH when the message is malformed or the certificate is nobody's
 */
export async function startAuth(params: unknown, peer: Peer, services: Services): Promise<Step> {
  checkVersion(params)
  const checked = check(METHODS['auth.start'].params, params)
  return checked.mechanism === 'EXTERNAL'
    ? await startExternal(checked.data, peer, services)
    : await startScram(checked, peer, services)
}

async function startExternal(data: Uint8Array, { tls }: Peer, services: Services): Promise<Step> {
  const user = certifiedUser(Buffer.from(data).toString(), tls, services.certificateUsers)
  const account = await services.store.findAccount(user)
  if (!account || !MAY_PROVE.has(account.state)) throw new JankinsError('E_AUTH')
  return { result: { data: Buffer.from(user) }, proof: { kind: 'certificate', user, account } }
}

/**
 * Users that do not exist, are disabled or have no password are answered like any other: they fail at the second step,
 * as a wrong password does.
 */
async function startScram({ mechanism, data }: Params<'auth.start'>, { tls }: Peer, services: Services): Promise<Step> {
  const first = readClientFirst(data)
  if ((first.flag === 'p') !== (mechanism === 'SCRAM-SHA-256-PLUS'))
    throw new JankinsError('E_AUTH', { reason: 'the mechanism and the GS2 header differ' })
  const name = parseName(first.user)
  const found = name === undefined ? undefined : await services.store.findAccount(name)
  const account = found?.credential && MAY_PROVE.has(found.state) ? found : undefined
  // Made for everybody: a user that exists must not be answered sooner.
  const unknown = unknownUserCredential(services.scramSecret, first.user)
  const credential = account?.credential ?? unknown
  const nonce = randomBytes(18).toString('base64')
  const { message, state } = serverFirst(first, credential, nonce, tls?.bindings)
  return { result: { data: message }, proof: { kind: 'scram', user: first.user, account, credential, state } }
}

/**
 * Second step: the client's proof, and ours.
 * @throws JankinsError E_BAD_REQUEST, E_AUTH, E_NOT_APPROVED
 */
export function finishAuth(
  params: unknown,
  proof: Proof,
  services: Services,
): { result: Result<'auth.finish'>; caller: Caller } {
  const { data } = check(METHODS['auth.finish'].params, params)
  // With a certificate TLS has proven both sides.
  const message = proof.kind === 'scram' ? serverFinal(proof.state, proof.credential, data) : Buffer.alloc(0)
  if (!proof.account) throw new JankinsError('E_AUTH')
  if (proof.account.state === 'pending') throw new JankinsError('E_NOT_APPROVED')
  const { user, role, mayExec } = proof.account
  return {
    result: {
      data: message,
      role,
      server: `jankinsd ${JANKINS_VERSION}`,
      frameBytesMax: services.frameBytesMax,
      chunkBytesMax: LIMITS.chunkBytesMax.value,
      nowMs: services.clock.nowMs(),
    },
    caller: { user, role, mayExec },
  }
}

/** One line for each failed login or registration; the user is the peer's text and stays short. */
export function logFailedLogin(
  services: Services,
  { connection, address }: Peer,
  method: string,
  user: string | undefined,
  error: JankinsError,
): void {
  const { writer, log, metrics } = services
  metrics.count('loginFailed')
  const who = user === undefined ? {} : { user: boundedText(user) }
  writer
    .noteRefusal({ ...who, connection, address, method, refused: error.code })
    .catch(failure => log.error('a failed login is missing in the audit log', { address }, failure))
  log.warn('a login failed', { address, code: error.code, ...who })
}

/** Comes before the schema: what a client of another major version sends may not fit it. */
function checkVersion(params: unknown): void {
  if (typeof params !== 'object' || params === null || !('protocol' in params)) return
  const { protocol } = params
  if (!Number.isInteger(protocol) || protocol === PROTOCOL_VERSION) return
  throw new JankinsError('E_VERSION', { client: Number(protocol), daemon: PROTOCOL_VERSION })
}
