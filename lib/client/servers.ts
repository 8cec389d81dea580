import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Name, parseName } from '../../protocol/ids.js'
import { isTrustGiven, parseFingerprint, type Trust } from '../base/trust.js'
import type { Address } from '../base/wire.js'
import { formatAddress } from './address.js'
import { CredentialsError } from './credentials.js'
import { writePrivateFile } from './private-file.js'

/** What `jankins login` keeps of a daemon, beside the keys of the account; paths are absolute. */
export interface KnownServer extends Trust {
  /** Whom the own certificate stands for. */
  readonly user?: Name | undefined
}

const TEXTS = ['fingerprint', 'caFile', 'certFile', 'keyFile', 'user'] as const

/** servers.json, beside the credentials. */
export const serversPath = (credentials: string): string => join(dirname(credentials), 'servers.json')

/** What is known of this daemon, or undefined. @throws CredentialsError */
export async function readServer(path: string, address: Address): Promise<KnownServer | undefined> {
  const entry = (await readEntries(path)).get(formatAddress(address))
  if (entry === undefined || isKnownServer(entry)) return entry
  throw damaged(path)
}

/** Keeps it beside the other daemons; what says nothing is forgotten. @throws CredentialsError */
export async function writeServer(path: string, address: Address, server: KnownServer): Promise<void> {
  const entries = await readEntries(path)
  if (isTrustGiven(server)) entries.set(formatAddress(address), server)
  else if (!entries.delete(formatAddress(address))) return
  await writePrivateFile(path, `${JSON.stringify({ servers: Object.fromEntries(entries) }, undefined, 2)}\n`)
}

async function readEntries(path: string): Promise<Map<string, unknown>> {
  try {
    const { servers } = JSON.parse(readFileSync(path, 'utf8')) as { servers: object }
    return new Map(Object.entries(servers))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw damaged(path, error)
  }
}

/** A file that is damaged must not turn a daemon that is known into one that may be anybody. */
function isKnownServer(entry: unknown): entry is KnownServer {
  if (typeof entry !== 'object' || entry === null) return false
  const fields = entry as Record<string, unknown>
  return (
    TEXTS.every(key => ['string', 'undefined'].includes(typeof fields[key])) &&
    ['boolean', 'undefined'].includes(typeof fields.plaintext) &&
    (typeof fields.fingerprint !== 'string' || parseFingerprint(fields.fingerprint) !== undefined) &&
    (typeof fields.user !== 'string' || parseName(fields.user) !== undefined) &&
    isTrustGiven(entry)
  )
}

const damaged = (path: string, cause?: unknown): CredentialsError =>
  new CredentialsError(`${path} is damaged or cannot be read: remove it and run jankins login`, { cause })
