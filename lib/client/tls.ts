import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type ChannelBindings, EXPORTER_BYTES, EXPORTER_LABEL, serverEndPoint } from '../../protocol/channel-binding.js'
import { fingerprintOf } from '../base/trust.js'
import type { Address, Security, Wire } from '../base/wire.js'
import { formatAddress } from './address.js'
import { socketWire } from './socket-wire.js'
import { TransportError } from './transport-error.js'

/** @throws TransportError, or Error with a `code` when there is no way through */
export async function dialTls(address: Address, { trust, identity }: Security): Promise<Wire> {
  const authorities = trust.kind === 'ca' ? trust.authorities : undefined
  const socket = await shaken(address, {
    // A pinned certificate may be signed by anybody, for any name.
    rejectUnauthorized: authorities !== undefined,
    ...(authorities !== undefined && { ca: authorities }),
    ...(identity && { cert: identity.certificates, key: identity.key }),
  })
  const shown = certificateOf(socket)
  const fingerprint = fingerprintOfCertificate(shown)
  if (trust.kind === 'pin' && trust.fingerprint !== fingerprint) {
    socket.destroy()
    throw otherCertificate(address, trust.fingerprint, fingerprint)
  }
  return socketWire(socket, { bindings: bindingsOf(socket, shown) })
}

/** Fingerprint of the certificate that whoever answers there shows, right or wrong. @throws as dialTls */
export async function shownFingerprint(address: Address): Promise<string> {
  const socket = await shaken(address, { rejectUnauthorized: false })
  const fingerprint = fingerprintOfCertificate(certificateOf(socket))
  socket.destroy()
  return fingerprint
}

function shaken(address: Address, options: ConnectionOptions): Promise<TLSSocket> {
  const { host, port } = address
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...options,
      ...{ host, port, minVersion: 'TLSv1.2' },
      ...(isIP(host) === 0 && { servername: host }),
    })
    const onError = (error: NodeJS.ErrnoException): void => reject(explained(error, address))
    socket.once('error', onError)
    socket.once('secureConnect', () => {
      socket.off('error', onError)
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}

/** In DER. */
function certificateOf(socket: TLSSocket): Buffer {
  const certificate = socket.getPeerX509Certificate()
  if (certificate) return certificate.raw
  socket.destroy()
  throw new TransportError('not-trusted', 'it has shown no certificate')
}

const fingerprintOfCertificate = (der: Buffer): string => fingerprintOf(createHash('sha256').update(der).digest())

function bindingsOf(socket: TLSSocket, certificate: Buffer): Record<string, Uint8Array> {
  const isNewest = socket.getProtocol() === 'TLSv1.3'
  const exporter = isNewest && socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0))
  const endPoint = serverEndPoint(certificate)
  const bindings: ChannelBindings = {
    ...(exporter && { 'tls-exporter': exporter }),
    ...(endPoint && { 'tls-server-end-point': endPoint }),
  }
  return { ...bindings }
}

function otherCertificate(address: Address, known: string, shown: string): TransportError {
  const again = `jankins login ${formatAddress(address)} --fingerprint ${shown}`
  return new TransportError(
    'other-certificate',
    `its certificate has changed, or somebody sits in between: known is ${known}, shown is ${shown}; ask the admin, and if it is the daemon’s new one: ${again}`,
  )
}

/** Bytes that are no TLS come from a daemon without it; what OpenSSL does not trust has a code of its own. */
function explained(error: NodeJS.ErrnoException, address: Address): Error {
  const { code = '', message } = error
  const where = formatAddress(address)
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return new TransportError(
      'speaks-plaintext',
      `it speaks no TLS: mend its [tls], or allow that everything can be read on the way by jankins login --plaintext ${where}`,
      { cause: error },
    )
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new TransportError('not-trusted', `its certificate is for another name: ${message}`, { cause: error })
  if (/CERT|SIGNATURE|ISSUER|CRL|CHAIN|PURPOSE|CA$/.test(code))
    return new TransportError('not-trusted', `its certificate is not trusted: ${message} (${code})`, { cause: error })
  return error
}
