import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Name, parseName } from '../../protocol/ids.js'
import { isTrustGiven, parseFingerprint, type Trust } from '../base/trust.js'
import type { Security } from '../base/wire.js'

/** What is said of a daemon contradicts itself, or names a file that cannot be used. */
export class TrustError extends Error {
  override readonly name = 'TrustError'
}

/** Reads the files that are named; undefined where nothing is said. @throws TrustError */
export async function securityOf(given: Trust): Promise<Security | undefined> {
  if (!isTrustGiven(given)) return undefined
  const { certFile, keyFile } = given
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new TrustError('a certificate needs its key: name both')
  const trust = await trustOf(given)
  if (certFile === undefined || keyFile === undefined) return { trust }
  if (trust.kind === 'plaintext') throw new TrustError('without TLS there is nobody to show a certificate to')
  return { trust, identity: { certificates: await readPem(certFile), key: await readPem(keyFile) } }
}

async function trustOf({ fingerprint, caFile, plaintext }: Trust): Promise<Security['trust']> {
  const ways = [fingerprint, caFile, plaintext || undefined].filter(way => way !== undefined)
  if (ways.length !== 1)
    throw new TrustError('say how the daemon is known: by its fingerprint, by a CA, or as plaintext')
  if (plaintext) return { kind: 'plaintext' }
  if (caFile !== undefined) return { kind: 'ca', authorities: await readPem(caFile) }
  const pinned = parseFingerprint(fingerprint ?? '')
  if (pinned === undefined)
    throw new TrustError('a fingerprint is SHA256: and 43 characters of base64, or 64 hex digits')
  return { kind: 'pin', fingerprint: pinned }
}

/** The common name, where it could be an account. @param certificates in PEM, the own one first */
export function accountOf(certificates: string): Name | undefined {
  const [, name] = /^CN=(.*)$/m.exec(new X509Certificate(certificates).subject) ?? []
  return name === undefined ? undefined : parseName(name)
}

async function readPem(path: string): Promise<string> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new TrustError(`cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
  if (!text.includes('-----BEGIN ')) throw new TrustError(`${path} is no file in PEM`)
  return text
}
