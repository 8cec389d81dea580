import { randomBytes } from 'node:crypto'
import { JankinsError } from '../../../protocol/errors.js'
import type { UserState } from '../../../protocol/fields.js'
import { parseName } from '../../../protocol/ids.js'
import { METHODS, type Result } from '../../../protocol/methods.js'
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
import { boundedText } from './dispatch.js'
import type { Peer, Services } from './services.js'

/** Between the two messages of the client. */
export interface Proof {
  /** As the client sent it, for the log. */
  readonly user: string
  readonly account: Account | undefined
  readonly credential: ScramCredential
  readonly state: ServerState
}

/** Whoever waits for approval is told so, but only who knows the password. */
const MAY_PROVE: ReadonlySet<UserState> = new Set<UserState>(['active', 'pending'])

/**
 * First step of SCRAM. Users that do not exist, are disabled or have no password are answered like any other: they
 * fail at the second step, as a wrong password does.
 * @throws JankinsError E_VERSION, E_BAD_REQUEST, E_AUTH when the message is malformed
 */
export async function startAuth(
  params: unknown,
  services: Services,
): Promise<{ result: Result<'auth.start'>; proof: Proof }> {
  checkVersion(params)
  const { data } = check(METHODS['auth.start'].params, params)
  const first = readClientFirst(data)
  const name = parseName(first.user)
  const found = name === undefined ? undefined : await services.store.findAccount(name)
  const account = found?.credential && MAY_PROVE.has(found.state) ? found : undefined
  // Made for everybody: a user that exists must not be answered sooner.
  const unknown = unknownUserCredential(services.scramSecret, first.user)
  const credential = account?.credential ?? unknown
  const { message, state } = serverFirst(first, credential, randomBytes(18).toString('base64'))
  return { result: { data: message }, proof: { user: first.user, account, credential, state } }
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
  const message = serverFinal(proof.state, proof.credential, data)
  if (!proof.account) throw new JankinsError('E_AUTH')
  if (proof.account.state === 'pending') throw new JankinsError('E_NOT_APPROVED')
  const { user, role, mayExec } = proof.account
  return {
    result: {
      data: message,
      role,
      server: `jankinsd ${JANKINS_VERSION}`,
      frameBytesMax: services.frameBytesMax,
      nowMs: services.clock.nowMs(),
    },
    caller: { user, role, mayExec },
  }
}

/** One line for each failed login or registration; the user is the peer's text and stays short. */
export function logFailedLogin(
  services: Services,
  peer: Peer,
  method: string,
  user: string | undefined,
  error: JankinsError,
): void {
  const { writer, log } = services
  const who = user === undefined ? {} : { user: boundedText(user) }
  writer
    .audit({ ...who, ...peer, method, refused: error.code })
    .catch(failure => log.error('a failed login is missing in the audit log', { address: peer.address }, failure))
  log.warn('a login failed', {
    address: peer.address,
    code: error.code,
    ...who,
  })
}

/** Comes before the schema: what a client of another major version sends may not fit it. */
function checkVersion(params: unknown): void {
  if (typeof params !== 'object' || params === null || !('protocol' in params)) return
  const { protocol } = params
  if (!Number.isInteger(protocol) || protocol === PROTOCOL_VERSION) return
  throw new JankinsError('E_VERSION', { client: Number(protocol), daemon: PROTOCOL_VERSION })
}
