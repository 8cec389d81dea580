import { promises as files } from 'node:fs'
import { type Name, parseName } from '../../protocol/ids.js'
import type { Trust } from '../base/trust.js'
import type { Address, Security } from '../base/wire.js'
import { formatAddress, HOST_DEFAULT, PORT_DEFAULT, parseAddress } from '../client/address.js'
import type { Login } from '../client/authenticate.js'
import { credentialsPath, readLogin, readProfile, type StoredLogin } from '../client/credentials.js'
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

/** Which daemon, and as whom: the options that every command has. */
export interface Target {
  readonly server?: Address | undefined
  readonly user?: Name | undefined
  readonly profile?: Name | undefined
}

/** Where a command goes, and the login that is kept for there. */
export interface Place {
  readonly address: Address
  readonly profile?: Name | undefined
  readonly stored?: StoredLogin | undefined
}

/**
 * --server, then that of the profile (--profile, JANKINS_PROFILE), then JANKINS_SERVER, then the default.
 * @throws UsageError for a variable that does not fit, CredentialsError
 */
export async function findPlace(env: Environment, target: Target): Promise<Place> {
  const path = credentialsPath(env)
  const profile = findProfile(env, target.profile)
  if (profile === undefined) {
    const address = findAddress(env, target.server)
    return { address, stored: await readLogin(path, address) }
  }
  const kept = await readProfile(path, profile)
  const address = target.server ?? kept?.address ?? findAddress(env, undefined)
  const isSame = kept !== undefined && formatAddress(kept.address) === formatAddress(address)
  return { address, profile, stored: isSame ? kept.login : undefined }
}

function findProfile(env: Environment, flag: Name | undefined): Name | undefined {
  if (flag !== undefined || env.JANKINS_PROFILE === undefined) return flag
  const profile = parseName(env.JANKINS_PROFILE)
  if (profile === undefined) throw new UsageError('JANKINS_PROFILE must be the name of a profile')
  return profile
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
export async function findAccess(env: Environment, place: Place, options: AccessOptions): Promise<Access> {
  const { address } = place
  const trust = await findTrust(env, address, options.trust)
  const security = await securityOf(trust)
  const login = await findLogin(env, place, options, certificateLogin(findUser(env, options.user), trust, security))
  return { address, security, login }
}

async function findLogin(
  env: Environment,
  { address, profile, stored }: Place,
  { user: flag, passwordFile }: AccessOptions,
  certified: Login | undefined,
): Promise<Login> {
  const user = findUser(env, flag)
  const password = passwordFile === undefined ? await environmentPassword(env) : await passwordOf(passwordFile)
  if (password !== undefined) {
    const name = user ?? stored?.user
    if (name === undefined) throw new LoginError('a password but no account: give --user or JANKINS_USER')
    return { user: name, password }
  }
  const isOfProfile = profile !== undefined && stored !== undefined
  if (certified && !isOfProfile) return certified
  if (stored && (user === undefined || user === stored.user)) return stored
  const who = user === undefined ? '' : ` as ${user}`
  const server = formatAddress(address)
  const under = profile === undefined ? '' : ` --profile ${profile}`
  throw new LoginError(
    `not logged in${who} at ${server}: run jankins login ${user ?? 'NAME'} --server ${server}${under}`,
  )
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
