import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type SecureVersion, type Server } from 'node:tls'
import type { Test } from 'tap'
import { fingerprintOf } from '../../lib/base/trust.js'
import type { Address, Security } from '../../lib/base/wire.js'
import { parseName } from '../../protocol/ids.js'
import { connectAs, type DaemonOptions, type DaemonProcess, startDaemon } from './processes.js'

export interface TlsDaemon extends DaemonProcess {
  readonly fingerprint: string
}

/** A daemon with a certificate of its own making; `env` and `connect` know its fingerprint. */
export async function startTlsDaemon(t: Test, options: DaemonOptions = {}): Promise<TlsDaemon> {
  const daemon = await startDaemon(t, { ...options, config: `${options.config ?? ''}\n[tls]\nauto = true\n` })
  const fingerprint = fingerprintOfPem(readFileSync(join(daemon.dataDir, 'tls.pem'), 'utf8'))
  return {
    ...daemon,
    fingerprint,
    env: { ...daemon.env, JANKINS_FINGERPRINT: fingerprint },
    async connect() {
      const login = { user: parseName('admin')!, password: daemon.password }
      const client = await connectAs(daemon.address, login, pinned(fingerprint))
      t.teardown(() => client.destroy())
      return client
    },
  }
}

export const pinned = (fingerprint: string): Security => ({ trust: { kind: 'pin', fingerprint } })

export const fingerprintOfPem = (pem: string): string =>
  fingerprintOf(createHash('sha256').update(new X509Certificate(pem).raw).digest())

/** Sits between a client and a daemon with a certificate of its own, and hands on every byte in the clear. */
export async function manInTheMiddle(
  t: Test,
  daemon: Address,
  { key, certificate }: { readonly key: string; readonly certificate: string },
  maxVersion: SecureVersion,
): Promise<{ readonly address: Address; readonly fingerprint: string }> {
  const server = createServer({ key, cert: certificate, maxVersion }, near => {
    const far = connect({ ...daemon, rejectUnauthorized: false, maxVersion })
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  server.on('tlsClientError', () => {})
  return { address: await listening(t, server), fingerprint: fingerprintOfPem(certificate) }
}

async function listening(t: Test, server: Server): Promise<Address> {
  const host = '127.0.0.1'
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  t.teardown(() => server.close())
  return { host, port: (server.address() as AddressInfo).port }
}
