import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Name, parseName } from '../../protocol/ids.js'
import type { Address } from '../base/wire.js'
import { formatAddress } from './address.js'
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

/** The login that is kept for this daemon, or undefined. @throws CredentialsError */
export async function readLogin(path: string, address: Address): Promise<StoredLogin | undefined> {
  const entry = (await readEntries(path)).get(formatAddress(address))
  return entry && loginOf(entry, path)
}

/** Keeps a login beside those of other daemons. Readers see the old file or the new one. @throws CredentialsError */
export async function writeLogin(path: string, address: Address, login: StoredLogin): Promise<void> {
  const entries = await readEntries(path)
  entries.set(formatAddress(address), {
    user: login.user,
    salt: base64(login.salt),
    iterations: login.iterations,
    clientKey: base64(login.keys.clientKey),
    serverKey: base64(login.keys.serverKey),
  })
  await writePrivateFile(path, `${JSON.stringify({ servers: Object.fromEntries(entries) }, undefined, 2)}\n`)
}

async function readEntries(path: string): Promise<Map<string, Entry>> {
  let text: string
  try {
    // Small, and read by every command: node's thread pool and promises of files cost more than the read.
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw new CredentialsError(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
  try {
    const { servers } = JSON.parse(text) as { servers: Record<string, Entry> }
    return new Map(Object.entries(servers))
  } catch (cause) {
    throw new CredentialsError(`${path} is damaged: remove it and run jankins login`, { cause })
  }
}

function loginOf(entry: Entry, path: string): StoredLogin {
  const user = typeof entry.user === 'string' ? parseName(entry.user) : undefined
  const [salt, clientKey, serverKey] = [entry.salt, entry.clientKey, entry.serverKey].map(text =>
    typeof text === 'string' ? Buffer.from(text, 'base64') : Buffer.alloc(0),
  )
  if (!user || !salt?.length || !Number.isSafeInteger(entry.iterations) || !clientKey?.length || !serverKey?.length)
    throw new CredentialsError(`${path} is damaged: remove it and run jankins login`)
  return { user, salt, iterations: entry.iterations, keys: { clientKey, serverKey } }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
