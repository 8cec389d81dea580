import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { Client } from '../../../lib/client/connection.js'
import { register } from '../../../lib/client/register.js'
import { JankinsError } from '../../../protocol/errors.js'
import type { InvitedRole } from '../../../protocol/fields.js'
import type { InviteToken } from '../../../protocol/ids.js'
import { tokenHash } from '../../../protocol/invite-token.js'
import { LIMITS } from '../../../protocol/limits.js'
import { credentialOf, deriveKeys, type ScramCredential } from '../../../protocol/scram.js'
import { startDaemonInProcess } from '../../helpers/daemon.js'
import { hex32, name } from './running.js'

/** What a refusal has to match. */
export const code = (text: string) => ({ code: text })
export const newToken = (): InviteToken => hex32() as InviteToken

/** With few rounds of PBKDF2. */
export async function credentialFor(password: string): Promise<ScramCredential> {
  const salt = randomBytes(16)
  const iterations = LIMITS.scramIterationsMin.value
  return credentialOf(await deriveKeys(password, salt, iterations), salt, iterations)
}

/** Makes an invitation. */
export async function invite(admin: Client, role: InvitedRole = 'worker', holdsMs?: number): Promise<InviteToken> {
  const token = newToken()
  await admin.call('invite.add', { tokenSha256: tokenHash(token), role, ...(holdsMs && { holdsMs }) })
  return token
}

/** A daemon with the admin `root`; `enrol` registers an account, with the password "secret" by default. */
export async function setUp(t: Test, options: { requireApproval?: boolean } = {}) {
  const daemon = await startDaemonInProcess(t, options)
  const admin = await daemon.client(await daemon.login('admin', { user: 'root' }))
  const credential = await credentialFor('secret')
  const enrol = (token: InviteToken, user: string, keys = credential) =>
    register({ ...daemon, token, user: name(user), credential: keys })
  return { daemon, admin, credential, enrol }
}

/** Code of the error with which the daemon ended a connection. */
export async function endOf(client: Client): Promise<string | undefined> {
  const error = await client.closed
  return error instanceof JankinsError ? error.code : undefined
}
