import { isTrustGiven, type Trust } from '../base/trust.js'
import type { Address } from '../base/wire.js'
import { credentialsPath } from '../client/credentials.js'
import { type KnownServer, readServer, serversPath } from '../client/servers.js'
import type { Environment } from './command.js'

/**
 * What is said of a daemon: first what is given, then the environment, then what `jankins login` keeps. How it is known
 * and what is shown to it are looked for apart from each other.
 * @throws CredentialsError
 */
export async function findTrust(env: Environment, address: Address, given: Trust = {}): Promise<KnownServer> {
  const kept = await readServer(serversPath(credentialsPath(env)), address)
  return mergeTrust(given, environmentTrust(env), kept ?? {})
}

/** JANKINS_FINGERPRINT, JANKINS_CA or JANKINS_PLAINTEXT=1; JANKINS_CERT and JANKINS_KEY. */
export const environmentTrust = (env: Environment): Trust => ({
  fingerprint: env.JANKINS_FINGERPRINT,
  caFile: env.JANKINS_CA,
  plaintext: env.JANKINS_PLAINTEXT === '1' || undefined,
  certFile: env.JANKINS_CERT,
  keyFile: env.JANKINS_KEY,
})

/** From the one that counts most to the least. */
export function mergeTrust(...all: readonly KnownServer[]): KnownServer {
  const ways = all.map(({ fingerprint, caFile, plaintext }) => ({ fingerprint, caFile, plaintext }))
  const way = ways.find(isTrustGiven)
  const identity = all.find(({ certFile, keyFile }) => certFile !== undefined || keyFile !== undefined)
  return { ...way, certFile: identity?.certFile, keyFile: identity?.keyFile, user: identity?.user }
}
