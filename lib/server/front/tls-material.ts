import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { serverEndPoint } from '../../../protocol/channel-binding.js'
import type { TlsConfig } from '../../base/tls-keys.js'
import { fingerprintOf } from '../../base/trust.js'
import { writeSecretFile } from './data-directory.js'
import { StartError } from './start-error.js'
import { makeCertificate } from './tls-certificate.js'

/** What the daemon needs to speak TLS. Keys and certificates are in PEM. */
export interface TlsMaterial {
  readonly key: string
  /** The daemon's own, then those between it and its authority. */
  readonly certificates: string
  /** Of the daemon's own certificate: as parseFingerprint returns it. */
  readonly fingerprint: string
  /** tls-server-end-point of the daemon's certificate; undefined where its signature has no hash. */
  readonly endPoint: Uint8Array | undefined
  /** Authorities of the certificates of clients; undefined: no client is asked for one. */
  readonly clientAuthorities: string | undefined
}

/**
 * Reads keys and certificates; makes DATA/tls.pem, key and certificate in one file, where the configuration says `auto`.
 * @throws StartError that says what to do
 */
export function loadTls({ certificate, clients }: TlsConfig, dataDir: string, nowMs: number): TlsMaterial {
  const own = certificate === 'auto' ? automatic(dataDir, nowMs) : certificate
  const key = read(own.keyFile, 'the key')
  const certificates = read(own.certFile, 'the certificate')
  const clientAuthorities = clients && read(clients.caFile, 'client_ca')
  const first = parsed(certificates, own.certFile)
  checkKey(key, certificates, own)
  if (clients && clientAuthorities !== undefined) parsed(clientAuthorities, clients.caFile)
  return {
    key,
    certificates,
    fingerprint: fingerprintOf(createHash('sha256').update(first.raw).digest()),
    endPoint: serverEndPoint(first.raw),
    clientAuthorities,
  }
}

function automatic(dataDir: string, nowMs: number): { readonly certFile: string; readonly keyFile: string } {
  const path = join(dataDir, 'tls.pem')
  if (!existsSync(path)) {
    const { key, certificate } = makeCertificate(nowMs)
    writeSecretFile(path, key + certificate)
  }
  return { certFile: path, keyFile: path }
}

function read(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new StartError(`cannot read ${path}, ${what} of [tls] (${code}): name a file that this user may read`, 2)
  }
}

function parsed(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new StartError(`${path} holds no certificate in PEM`, 2, { cause })
  }
}

function checkKey(key: string, cert: string, { certFile, keyFile }: { certFile: string; keyFile: string }): void {
  try {
    createSecureContext({ key, cert })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new StartError(`${keyFile} is not the key of the certificate in ${certFile} (${code})`, 2, { cause })
  }
}
