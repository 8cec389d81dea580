import { resolve } from 'node:path'
import { JankinsError } from '../../protocol/errors.js'
import { isTrustGiven, type Trust } from '../base/trust.js'
import type { Address, Security } from '../base/wire.js'
import { formatAddress } from '../client/address.js'
import { ConnectionLostError } from '../client/connection.js'
import type { KnownServer } from '../client/servers.js'
import { shownFingerprint } from '../client/tls.js'
import { TransportError } from '../client/transport-error.js'
import { securityOf } from '../client/trust.js'
import { type Context, UsageError } from './command.js'
import { findTrust } from './trust.js'

/** What the options of `login` and `register` say of a daemon; paths become absolute, since they are kept. */
export const givenTrust = (options: {
  readonly fingerprint: string | undefined
  readonly ca: string | undefined
  readonly plaintext: boolean
  readonly cert?: string | undefined
  readonly key?: string | undefined
}): Trust => ({
  fingerprint: options.fingerprint,
  caFile: absolute(options.ca),
  plaintext: options.plaintext || undefined,
  certFile: absolute(options.cert),
  keyFile: absolute(options.key),
})

const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path))

/**
 * Makes an attempt at a daemon that need not be known yet: one whose certificate nobody has vouched for shows it first,
 * and a person decides. The attempt is made again when a daemon on this machine says that it speaks TLS.
 * @throws what `attempt` throws, UsageError when the certificate is not trusted, ConnectionLostError, TrustError
 */
export async function meet<T>(
  context: Context,
  address: Address,
  given: Trust,
  attempt: (server: KnownServer, security: Security | undefined) => Promise<T>,
): Promise<T> {
  // A certificate of an earlier login is not shown again unless it is asked for: this one may be by password.
  const trust = { ...(await findTrust(context.env, address, given)), certFile: given.certFile, keyFile: given.keyFile }
  const attemptBy = async (server: KnownServer): Promise<T> => attempt(server, await securityOf(server))
  const askFirst = async (): Promise<T> =>
    await attemptBy({ ...trust, plaintext: undefined, fingerprint: await askTrust(context, address) })
  const isKnown = isTrustGiven({ ...trust, certFile: undefined, keyFile: undefined })
  if (!isKnown && (given.certFile !== undefined || !(await isHere(context, address)))) return await askFirst()
  try {
    return await attemptBy(trust)
  } catch (error) {
    if (error instanceof JankinsError && error.code === 'E_TLS_REQUIRED') return await askFirst()
    throw error
  }
}

/** Whether the daemon runs on this machine, so that no certificate is needed. @throws ConnectionLostError */
async function isHere({ dial }: Context, address: Address): Promise<boolean> {
  try {
    const wire = await dial(address)
    wire.destroy()
    return true
  } catch (cause) {
    if (cause instanceof TransportError && cause.fault === 'unknown-daemon') return false
    throw new ConnectionLostError(`cannot reach ${formatAddress(address)}`, { cause })
  }
}

/** @returns the fingerprint that a person took for the right one */
async function askTrust({ ask }: Context, address: Address): Promise<string> {
  const where = formatAddress(address)
  const shown = await shownFingerprint(address).catch((cause: unknown) => {
    throw new ConnectionLostError(`cannot reach ${where}`, { cause })
  })
  const otherwise = `where it is the one that jankinsd printed at its start, give --fingerprint ${shown}; or give --ca FILE`
  const question = `${where} shows the certificate ${shown}; trust it? (yes/no)`
  const answer = await ask(question, { echo: true, otherwise })
  if (answer.trim().toLowerCase() !== 'yes') throw new UsageError(`the certificate of ${where} is not trusted`)
  return shown
}
