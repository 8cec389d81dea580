import { promises as files } from 'node:fs'
import { type Name, parseName } from '../../protocol/ids.js'
import type { Trust } from '../base/trust.js'
import type { Address, Security } from '../base/wire.js'
import { formatAddress, HOST_DEFAULT, PORT_DEFAULT, parseAddress } from '../client/address.js'
import type { Login } from '../client/connection.js'
import { credentialsPath, readLogin } from '../client/credentials.js'
import type { KnownServer } from '../client/servers.js'
import { accountOf, securityOf } from '../client/trust.js'
import { type Environment, LoginError, UsageError } from './command.js'
import { findTrust } from './trust.js'

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

/** A daemon, how it is known, and how to prove who asks. */
export interface Access {
  readonly address: Address
  readonly security: Security | undefined
  readonly login: Login
}

export interface AccessOptions {
  /** The flag. */
  readonly user?: Name | undefined
  /** Wins over the environment and over what is kept. */
  readonly passwordFile?: string | undefined
  /** Wins over the environment and over what is kept. */
  readonly trust?: Trust | undefined
}

/**
 * How to get in: a password from the environment wins over a certificate, and that over the keys of the last login.
 * @throws LoginError when there is none of them for this user, UsageError for a file that cannot be read
 */
export async function findAccess(env: Environment, address: Address, options: AccessOptions = {}): Promise<Access> {
  const trust = await findTrust(env, address, options.trust)
  const security = await securityOf(trust)
  const login = await findLogin(env, address, options, certificateLogin(findUser(env, options.user), trust, security))
  return { address, security, login }
}

async function findLogin(
  env: Environment,
  address: Address,
  { user: flag, passwordFile }: AccessOptions,
  certified: Login | undefined,
): Promise<Login> {
  const user = findUser(env, flag)
  const stored = await readLogin(credentialsPath(env), address)
  const password = passwordFile === undefined ? await environmentPassword(env) : await passwordOf(passwordFile)
  if (password !== undefined) {
    const name = user ?? stored?.user
    if (name === undefined) throw new LoginError('a password but no account: give --user or JANKINS_USER')
    return { user: name, password }
  }
  if (certified) return certified
  if (stored && (user === undefined || user === stored.user)) return stored
  const who = user === undefined ? '' : ` as ${user}`
  const server = formatAddress(address)
  throw new LoginError(`not logged in${who} at ${server}: run jankins login ${user ?? 'NAME'} --server ${server}`)
}

/** Undefined without a certificate, and where it is known to be that of another user. @throws LoginError */
export function certificateLogin(
  user: Name | undefined,
  { user: known }: KnownServer,
  security: Security | undefined,
): Login | undefined {
  if (!security?.identity || (user !== undefined && known !== undefined && user !== known)) return undefined
  const name = user ?? known ?? accountOf(security.identity.certificates)
  if (name === undefined) throw new LoginError('a certificate but no account: give --user or JANKINS_USER')
  return { user: name, certificate: true }
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
