import { promises as files } from 'node:fs'
import { type Name, parseName } from '../../protocol/ids.js'
import type { Address } from '../base/wire.js'
import { formatAddress, HOST_DEFAULT, PORT_DEFAULT, parseAddress } from '../client/address.js'
import type { Login } from '../client/connection.js'
import { credentialsPath, readLogin } from '../client/credentials.js'
import { type Environment, LoginError, UsageError } from './command.js'

/** The daemon that a command talks to: the flag, then JANKINS_SERVER, then the default. @throws UsageError */
export function findAddress(env: Environment, flag: Address | undefined): Address {
  if (flag) return flag
  if (env.JANKINS_SERVER === undefined) return { host: HOST_DEFAULT, port: PORT_DEFAULT }
  const address = parseAddress(env.JANKINS_SERVER)
  if (!address) throw new UsageError('JANKINS_SERVER must be HOST:PORT')
  return address
}

/** The account that is named: the flag, then JANKINS_USER. @throws UsageError */
export function findUser(env: Environment, flag: Name | undefined): Name | undefined {
  if (flag !== undefined || env.JANKINS_USER === undefined) return flag
  const user = parseName(env.JANKINS_USER)
  if (user === undefined) throw new UsageError('JANKINS_USER must be the name of an account')
  return user
}

/**
 * How to prove who asks: a password from the environment wins over the keys of the last login.
 * @param passwordFile wins over both
 * @throws LoginError when there is neither for this user, UsageError for a password file that cannot be read
 */
export async function findLogin(
  env: Environment,
  address: Address,
  flag: Name | undefined,
  passwordFile?: string,
): Promise<Login> {
  const user = findUser(env, flag)
  const stored = await readLogin(credentialsPath(env), address)
  const password = passwordFile === undefined ? await environmentPassword(env) : await passwordOf(passwordFile)
  if (password !== undefined) {
    const name = user ?? stored?.user
    if (name === undefined) throw new LoginError('a password but no account: give --user or JANKINS_USER')
    return { user: name, password }
  }
  if (stored && (user === undefined || user === stored.user)) return stored
  const who = user === undefined ? '' : ` as ${user}`
  const server = formatAddress(address)
  throw new LoginError(`not logged in${who} at ${server}: run jankins login ${user ?? 'NAME'} --server ${server}`)
}

/** JANKINS_PASSWORD, or the content of JANKINS_PASSWORD_FILE. @throws UsageError */
export async function environmentPassword(env: Environment): Promise<string | undefined> {
  if (env.JANKINS_PASSWORD !== undefined) return env.JANKINS_PASSWORD
  return env.JANKINS_PASSWORD_FILE === undefined ? undefined : await passwordOf(env.JANKINS_PASSWORD_FILE)
}

/** A password from a file, without the newline at its end; `-` is stdin. @throws UsageError */
export async function passwordOf(path: string): Promise<string> {
  let text: string
  try {
    // Not /dev/stdin: what is piped in may be a socket, and a socket cannot be opened by name.
    text = path === '-' ? await readStdin() : await files.readFile(path, 'utf8')
  } catch (cause) {
    throw new UsageError(`cannot read the password file ${path}: ${(cause as Error).message}`, { cause })
  }
  const password = text.replace(/\r?\n$/, '')
  if (password === '') throw new UsageError(`the password file ${path} is empty`)
  return password
}

async function readStdin(): Promise<string> {
  const { text } = await import('node:stream/consumers')
  return text(process.stdin)
}
