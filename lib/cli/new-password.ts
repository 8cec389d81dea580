import { randomBytes } from 'node:crypto'
import { LIMITS } from '../../protocol/limits.js'
import { credentialOf, deriveKeys, type ScramCredential } from '../../protocol/scram.js'
import type { LearnedKeys } from '../client/authenticate.js'
import { type Context, UsageError } from './command.js'
import { passwordOf } from './login.js'

const SALT_BYTES = 16
const PASSWORD_BYTES = 16

/** From a file, or asked for twice. @throws UsageError */
export async function askNewPassword(context: Context, who: string, file: string | undefined): Promise<string> {
  if (file !== undefined) return passwordOf(file)
  const password = await context.ask(`new password of ${who}`, { echo: false })
  if (password === '') throw new UsageError('a password cannot be empty')
  if ((await context.ask('the same again', { echo: false })) !== password)
    throw new UsageError('the two passwords differ; nothing was changed')
  return password
}

/** A password that nobody has to remember, in hex: no shell, terminal or option parser takes it for anything else. */
export const randomPassword = (): string => randomBytes(PASSWORD_BYTES).toString('hex')

/** The keys are made here: neither the password nor what logs in with it crosses the wire. RFC 5802 §3. */
export async function makeCredential(
  password: string,
): Promise<{ readonly learned: LearnedKeys; readonly credential: ScramCredential }> {
  const salt = randomBytes(SALT_BYTES)
  const iterations = LIMITS.scramIterationsDefault.value
  const keys = await deriveKeys(password, salt, iterations)
  return { learned: { salt, iterations, keys }, credential: credentialOf(keys, salt, iterations) }
}
