import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Name, parseName } from '../../protocol/ids.js'
import type { Address } from '../base/wire.js'
import { formatAddress, parseAddress } from './address.js'
import type { LearnedKeys } from './authenticate.js'
import { writePrivateFile } from './private-file.js'

/** What `jankins login` keeps for one daemon: keys that log in there, from which the password cannot be read. */
export interface StoredLogin extends LearnedKeys {
  readonly user: Name
}

/** The file is there and cannot be used: the text says what to do. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError'
}

interface Entry {
  readonly user: string
  readonly salt: string
  readonly iterations: number
  readonly clientKey: string
  readonly serverKey: string
}

/** $XDG_CONFIG_HOME/jankins/credentials.json, or the same below ~/.config. */
export const credentialsPath = (env: Readonly<Record<string, string | undefined>>): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'jankins', 'credentials.json')

/** A login that is kept under a name, and the daemon that it is for. */
export interface StoredProfile {
  readonly address: Address
  readonly login: StoredLogin
}

/** The login that is kept for this daemon, or undefined. @throws CredentialsError */
export async function readLogin(path: string, address: Address): Promise<StoredLogin | undefined> {
  const entry = (await readFileOf(path)).servers.get(formatAddress(address))
  return entry && loginOf(entry, path)
}

/** The login that is kept under this name, or undefined. @throws CredentialsError */
export async function readProfile(path: string, profile: Name): Promise<StoredProfile | undefined> {
  const entry = (await readFileOf(path)).profiles.get(profile)
  if (!entry) return undefined
  const address = typeof entry.server === 'string' ? parseAddress(entry.server) : undefined
  if (!address) throw damaged(path)
  return { address, login: loginOf(entry, path) }
}

/**
 * Keeps a login beside those of other daemons, or under a name. Readers see the old file or the new one.
 * @throws CredentialsError
 */
export async function writeLogin(path: string, address: Address, login: StoredLogin, profile?: Name): Promise<void> {
  const kept = await readFileOf(path)
  const server = formatAddress(address)
  const entry = {
    user: login.user,
    salt: base64(login.salt),
    iterations: login.iterations,
    clientKey: base64(login.keys.clientKey),
    serverKey: base64(login.keys.serverKey),
  }
  if (profile === undefined) kept.servers.set(server, entry)
  else kept.profiles.set(profile, { server, ...entry })
  await replaceFile(path, kept)
}

/** Forgets a login. @returns whether there was one @throws CredentialsError */
export async function removeLogin(path: string, address: Address, profile?: Name): Promise<boolean> {
  const kept = await readFileOf(path)
  const wasThere = profile === undefined ? kept.servers.delete(formatAddress(address)) : kept.profiles.delete(profile)
  if (wasThere) await replaceFile(path, kept)
  return wasThere
}

interface Kept {
  readonly servers: Map<string, Entry>
  readonly profiles: Map<string, Entry & { readonly server: string }>
}

async function replaceFile(path: string, { servers, profiles }: Kept): Promise<void> {
  const content = {
    servers: Object.fromEntries(servers),
    ...(profiles.size > 0 && { profiles: Object.fromEntries(profiles) }),
  }
  await writePrivateFile(path, `${JSON.stringify(content, undefined, 2)}\n`)
}

async function readFileOf(path: string): Promise<Kept> {
  let text: string
  try {
    // Small, and read by every command: node's thread pool and promises of files cost more than the read.
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { servers: new Map(), profiles: new Map() }
    throw new CredentialsError(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
  try {
    const { servers, profiles = {} } = JSON.parse(text) as Record<'servers' | 'profiles', Record<string, never>>
    return { servers: new Map(Object.entries(servers)), profiles: new Map(Object.entries(profiles)) }
  } catch (cause) {
    throw damaged(path, cause)
  }
}

function loginOf(entry: Entry, path: string): StoredLogin {
  const user = typeof entry.user === 'string' ? parseName(entry.user) : undefined
  const [salt, clientKey, serverKey] = [entry.salt, entry.clientKey, entry.serverKey].map(text =>
    typeof text === 'string' ? Buffer.from(text, 'base64') : Buffer.alloc(0),
  )
  if (!user || !salt?.length || !Number.isSafeInteger(entry.iterations) || !clientKey?.length || !serverKey?.length)
    throw damaged(path)
  return { user, salt, iterations: entry.iterations, keys: { clientKey, serverKey } }
}

const damaged = (path: string, cause?: unknown): CredentialsError =>
  new CredentialsError(`${path} is damaged: remove it and run jankins login`, { cause })

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
