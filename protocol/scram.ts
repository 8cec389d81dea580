import { Buffer } from 'node:buffer'
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type ChannelBinding, type ChannelBindings, isBindingName } from './channel-binding.js'
import { JankinsError } from './errors.js'
import { LIMITS } from './limits.js'

/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, both sides, as pure steps: RFC 5802 and RFC 7677. Nonces come from the caller:
 * 16 to 128 printable ASCII characters without a comma. With -PLUS the proofs hold for one TLS connection only.
 * Every step throws JankinsError E_AUTH for a malformed message, with detail.reason; a wrong proof has no reason.
 */

/** Bytes of a new salt. A client that chose another length would tell its user from users that do not exist. */
export const SALT_BYTES = 16
const KEY_BYTES = 32
const NONCE = /^[\x21-\x2b\x2d-\x7e]{16,128}$/

/** What a client may keep instead of the password, for one salt and iteration count; a secret. RFC 5802 §3. */
export interface ScramKeys {
  readonly clientKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** What a server keeps of a password: it cannot log in with it. RFC 5802 §3. */
export interface ScramCredential {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

const pbkdf2Async = promisify(pbkdf2)

/** Slow on purpose, in node's thread pool. The password is used in Unicode form NFKC, as UTF-8. */
export async function deriveKeys(password: string, salt: Uint8Array, iterations: number): Promise<ScramKeys> {
  const salted = await pbkdf2Async(password.normalize('NFKC'), salt, iterations, KEY_BYTES, 'sha256')
  return { clientKey: hmac(salted, 'Client Key'), serverKey: hmac(salted, 'Server Key') }
}

export const credentialOf = (keys: ScramKeys, salt: Uint8Array, iterations: number): ScramCredential => ({
  salt,
  iterations,
  storedKey: sha256(keys.clientKey),
  serverKey: keys.serverKey,
})

/**
 * What a server answers with for a user that does not exist: the same salt each time, and keys that no proof fits.
 * @param secret of this daemon, at least 32 random bytes that outlive its restarts
 */
export const unknownUserCredential = (secret: Uint8Array, user: string): ScramCredential => ({
  salt: hmac(secret, `salt of ${user}`).subarray(0, SALT_BYTES),
  iterations: LIMITS.scramIterationsDefault.value,
  storedKey: hmac(secret, `stored key of ${user}`),
  serverKey: hmac(secret, `server key of ${user}`),
})

export interface ClientState {
  readonly nonce: string
  readonly bare: string
  /** cbind-input: the GS2 header and the data of the channel binding. RFC 5802 §7. */
  readonly channel: Uint8Array
}
export interface ClientState2 {
  readonly nonce: string
  readonly channel: Uint8Array
  /** client-first-message-bare "," server-first-message: AuthMessage begins with it. */
  readonly exchanged: string
}

/** @param binding of the connection; without one the mechanism is SCRAM-SHA-256 without -PLUS */
export function clientFirst(
  user: string,
  nonce: string,
  binding?: ChannelBinding,
): { message: Uint8Array; state: ClientState } {
  // No authorization identity. RFC 5802 §7, gs2-header.
  const header = binding ? `p=${binding.name},,` : 'n,,'
  const bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  return { message: Buffer.from(header + bare), state: { nonce, bare, channel: channelInput(header, binding?.data) } }
}

/** @throws JankinsError E_AUTH also when the nonce is not ours and more, or the iterations are out of LIMITS */
export function readServerFirst(
  state: ClientState,
  message: Uint8Array,
): { salt: Uint8Array; iterations: number; state: ClientState2 } {
  const text = readText(message)
  const [, nonce, salt, iterations] = /^r=([^,]*),s=([^,]*),i=([1-9][0-9]{0,9})(?:,.*)?$/s.exec(text) ?? []
  if (nonce === undefined || salt === undefined) throw malformed('server-first-message')
  if (!nonce.startsWith(state.nonce) || nonce.length === state.nonce.length) throw malformed('the nonce of the server')
  const count = Number(iterations)
  if (count < LIMITS.scramIterationsMin.value || count > LIMITS.scramIterationsMax.value)
    throw malformed('the iteration count of the server')
  const saltBytes = readBase64(salt)
  if (saltBytes.length < SALT_BYTES) throw malformed('the salt of the server')
  return {
    salt: saltBytes,
    iterations: count,
    state: { nonce, channel: state.channel, exchanged: `${state.bare},${text}` },
  }
}

/** `serverSignature` is what `checkServerFinal` expects of a server that knows the credential. */
export function clientFinal(
  state: ClientState2,
  keys: ScramKeys,
): { message: Uint8Array; serverSignature: Uint8Array } {
  const withoutProof = `c=${base64(state.channel)},r=${state.nonce}`
  const authMessage = `${state.exchanged},${withoutProof}`
  const proof = xor(keys.clientKey, hmac(sha256(keys.clientKey), authMessage))
  return {
    message: Buffer.from(`${withoutProof},p=${proof.toString('base64')}`),
    serverSignature: hmac(keys.serverKey, authMessage),
  }
}

/** @throws JankinsError E_AUTH when the server did not prove that it knows the credential */
export function checkServerFinal(serverSignature: Uint8Array, message: Uint8Array): void {
  const [, signature] = /^v=([^,]*)(?:,.*)?$/s.exec(readText(message)) ?? []
  if (signature === undefined) throw malformed('server-final-message')
  if (!equal(readBase64(signature), serverSignature))
    throw new JankinsError('E_AUTH', { reason: 'the server is another' })
}

export interface ClientFirst {
  readonly user: string
  readonly nonce: string
  readonly gs2Header: string
  readonly bare: string
  /** `p`: the proof is bound by `bindingName`; `y`: the client could bind it, and believes that the server cannot. */
  readonly flag: 'n' | 'y' | 'p'
  readonly bindingName: string | undefined
}
export interface ServerState {
  readonly nonce: string
  readonly isBound: boolean
  readonly channel: Uint8Array
  readonly exchanged: string
}

/** The user is as the client sent it: not yet checked to be a name. */
export function readClientFirst(message: Uint8Array): ClientFirst {
  const [, gs2Header, flag, bindingName, authzid, bare] =
    /^((?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,]*))?,)(.*)$/s.exec(readText(message)) ?? []
  if (gs2Header === undefined || bare === undefined) throw malformed('client-first-message')
  const [, escapedUser, nonce] = /^n=([^,]*),r=([^,]*)(?:,.*)?$/s.exec(bare) ?? []
  if (escapedUser === undefined || nonce === undefined || !NONCE.test(nonce)) throw malformed('client-first-message')
  if (authzid !== undefined && authzid !== escapedUser) throw malformed('an authorization identity')
  return {
    user: readSaslName(escapedUser),
    nonce,
    gs2Header,
    bare,
    flag: bindingName ? 'p' : flag === 'y' ? 'y' : 'n',
    bindingName,
  }
}

/**
 * @param nonce the server's own part, fresh for each exchange
 * @param bindings that the connection has: none without TLS
 * @throws JankinsError E_AUTH also when somebody in between has talked the client out of a binding, RFC 5802 §6
 */
export function serverFirst(
  client: ClientFirst,
  credential: ScramCredential,
  nonce: string,
  bindings: ChannelBindings = {},
): { message: Uint8Array; state: ServerState } {
  const whole = client.nonce + nonce
  const text = `r=${whole},s=${base64(credential.salt)},i=${credential.iterations}`
  return {
    message: Buffer.from(text),
    state: {
      nonce: whole,
      isBound: client.flag === 'p',
      channel: channelInput(client.gs2Header, boundData(client, bindings)),
      exchanged: `${client.bare},${text}`,
    },
  }
}

/**
 * Checks the proof of the client and returns server-final-message, the proof of the server.
 * @throws JankinsError E_AUTH, in the same time and without a reason for every proof of the right length
 */
export function serverFinal(state: ServerState, credential: ScramCredential, message: Uint8Array): Uint8Array {
  const [, withoutProof, binding, nonce, proof] =
    /^(c=([^,]*),r=([^,]*)(?:,.*)?),p=([^,]*)$/s.exec(readText(message)) ?? []
  if (withoutProof === undefined || proof === undefined) throw malformed('client-final-message')
  if (binding !== base64(state.channel))
    throw malformed(state.isBound ? 'the channel is another: somebody sits in between' : 'the GS2 header changed')
  if (nonce !== state.nonce) throw malformed('the nonce changed')
  const proofBytes = readBase64(proof)
  if (proofBytes.length !== KEY_BYTES) throw malformed('a proof that is not 32 bytes')
  const authMessage = `${state.exchanged},${withoutProof}`
  const clientKey = xor(proofBytes, hmac(credential.storedKey, authMessage))
  if (!equal(sha256(clientKey), credential.storedKey)) throw new JankinsError('E_AUTH')
  return Buffer.from(`v=${hmac(credential.serverKey, authMessage).toString('base64')}`)
}

function boundData({ flag, bindingName }: ClientFirst, bindings: ChannelBindings): Uint8Array | undefined {
  if (flag === 'y' && Object.keys(bindings).length > 0)
    throw malformed('no channel binding, although this connection has one: somebody sits in between')
  if (flag !== 'p') return undefined
  const data = bindingName !== undefined && isBindingName(bindingName) ? bindings[bindingName] : undefined
  if (!data) throw malformed('a channel binding that this connection has not')
  return data
}

const channelInput = (gs2Header: string, data: Uint8Array = Buffer.alloc(0)): Uint8Array =>
  Buffer.concat([Buffer.from(gs2Header), data])

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const xor = (a: Uint8Array, b: Uint8Array): Buffer => Buffer.from(a.map((byte, i) => byte ^ (b[i] as number)))

function readText(message: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message)
  } catch {
    throw malformed('text that is not UTF-8')
  }
}

/** The one canonical form of RFC 4648 §4 only. */
function readBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (text === '' || bytes.toString('base64') !== text) throw malformed('base64')
  return bytes
}

/** RFC 5802 §5.1: `,` and `=` travel as =2C and =3D, and no other `=` is allowed. */
function readSaslName(escaped: string): string {
  if (escaped === '' || /=(?!2C|3D)/.test(escaped)) throw malformed('the user')
  return escaped.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

const malformed = (reason: string): JankinsError => new JankinsError('E_AUTH', { reason })
