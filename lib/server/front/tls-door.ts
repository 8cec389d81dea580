import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { EXPORTER_BYTES, EXPORTER_LABEL } from '../../../protocol/channel-binding.js'
import { JankinsError } from '../../../protocol/errors.js'
import { LIMITS } from '../../../protocol/limits.js'
import { networkOf } from '../network.js'
import type { TlsFacts } from '../ports.js'
import { addressOf, type Channel } from './channel.js'
import { refusal } from './connection.js'
import { SMALL_READ_BYTES } from './socket.js'
import { Tally } from './tally.js'
import type { TlsMaterial } from './tls-material.js'

/** Forward secrecy and authenticated encryption; those of TLS 1.3 have both. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
].join(':')
/** First byte of a TLS handshake, RFC 8446 §5.1; a frame of ours that begins so would be over 300 MB long. */
const HANDSHAKE = 0x16

export interface TlsDoorHandlers {
  /**
   * The handshake is done: the channel must be opened, or the socket dealt with, in this very call.
   * @param sinceMs when the connection was accepted
   */
  onChannel(channel: Channel, socket: Socket, sinceMs: number): void
  /** Called once for a connection that did not get through; it is closed. */
  onFailed(address: string, why: string): void
}

interface Handshake {
  readonly accepted: Socket
  readonly address: string
  readonly network: string
  readonly sinceMs: number
  /** What it is done with: what holds when it begins. */
  material: TlsMaterial
}

/**
 * Takes accepted connections through the TLS handshake. A tls.Server that never listens: of all that Node offers only
 * that one tells whether the certificate of a client is good.
 */
export class TlsDoor {
  readonly #server: Server
  #material: TlsMaterial
  readonly #handlers: TlsDoorHandlers
  readonly #refusal = refusal(new JankinsError('E_TLS_REQUIRED'))
  /** Connections whose handshake is under way, by network. */
  readonly pending = new Tally()
  /** By the addresses of both ends: all that an accepted socket and the encrypted one above it have in common. */
  readonly #handshakes = new Map<string, Handshake>()

  constructor(material: TlsMaterial, handlers: TlsDoorHandlers) {
    this.#material = material
    this.#handlers = handlers
    this.#server = createServer({
      ...contextOf(material),
      requestCert: material.clientAuthorities !== undefined,
      // Who has no certificate, or a bad one, may still have a password.
      rejectUnauthorized: false,
      // A reader that is told to stop has at most one record of TLS behind this.
      highWaterMark: SMALL_READ_BYTES,
    })
    this.#server.on('secureConnection', socket => this.#secured(socket))
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) =>
      this.#fail(keyOf(socket), `its TLS handshake failed: ${error.code ?? error.message}`),
    )
  }

  /** For connections that come from now on; whether clients are asked for a certificate stays. */
  use(material: TlsMaterial): void {
    this.#material = material
    this.#server.setSecureContext(contextOf(material))
  }

  /** @param accepted of a server with pauseOnConnect */
  admit(accepted: Socket, nowMs: number): void {
    // It was reset before it was accepted, and has no addresses any more.
    if (accepted.remoteAddress === undefined) {
      accepted.destroy()
      return
    }
    const key = keyOf(accepted)
    const network = networkOf(accepted.remoteAddress)
    const address = addressOf(accepted)
    const handshake: Handshake = { accepted, address, network, sinceMs: nowMs, material: this.#material }
    this.#fail(key, 'it left during the TLS handshake')
    this.#handshakes.set(key, handshake)
    this.pending.add(network)
    // Its errors reach the encrypted socket above it too.
    accepted.on('error', () => {})
    accepted.on('close', () => {
      // Another one may have the same addresses by now.
      if (this.#handshakes.get(key) === handshake) this.#fail(key, 'it left during the TLS handshake')
    })
    accepted.once('data', (bytes: Buffer) => {
      accepted.pause()
      if (bytes[0] !== HANDSHAKE) {
        accepted.write(this.#refusal)
        this.#fail(key, 'it does not speak TLS, and this port does')
        return
      }
      accepted.unshift(bytes)
      handshake.material = this.#material
      this.#server.emit('connection', accepted)
    })
    accepted.resume()
  }

  /** Called a few times a second: ends what takes too long. */
  sweep(nowMs: number): void {
    for (const [key, { sinceMs }] of this.#handshakes)
      if (nowMs - sinceMs > LIMITS.handshakeMs.value) this.#fail(key, 'it did not end its TLS handshake')
  }

  /** Ends every handshake that is under way, at once. */
  destroy(): void {
    for (const key of this.#handshakes.keys()) this.#settle(key)?.accepted.destroy()
  }

  #secured(socket: TLSSocket): void {
    const handshake = this.#settle(keyOf(socket))
    if (!handshake || socket.destroyed) {
      socket.destroy()
      return
    }
    const channel: Channel = {
      address: handshake.address,
      tls: factsOf(socket, handshake.material),
      open(reader) {
        socket.on('data', (bytes: Buffer) => {
          if (!reader.onBytes(bytes)) socket.pause()
        })
        return socket
      },
    }
    this.#handlers.onChannel(channel, socket, handshake.sinceMs)
  }

  #fail(key: string, why: string): void {
    const handshake = this.#settle(key)
    if (!handshake) return
    handshake.accepted.destroySoon()
    this.#handlers.onFailed(handshake.address, why)
  }

  /** It is over, one way or the other. */
  #settle(key: string): Handshake | undefined {
    const handshake = this.#handshakes.get(key)
    if (!handshake) return undefined
    this.#handshakes.delete(key)
    this.pending.remove(handshake.network)
    return handshake
  }
}

const contextOf = (material: TlsMaterial): SecureContextOptions => ({
  key: material.key,
  cert: material.certificates,
  ca: material.clientAuthorities,
  minVersion: 'TLSv1.2',
  ciphers: CIPHERS,
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
})

const keyOf = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`

function factsOf(socket: TLSSocket, { endPoint, clientAuthorities }: TlsMaterial): TlsFacts {
  const isNewest = socket.getProtocol() === 'TLSv1.3'
  const exporter = isNewest && socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0))
  const certificate = clientAuthorities === undefined ? undefined : socket.getPeerX509Certificate()
  return {
    bindings: { ...(exporter && { 'tls-exporter': exporter }), ...(endPoint && { 'tls-server-end-point': endPoint }) },
    ...(certificate && {
      certificate: socket.authorized
        ? { subject: certificate.subject }
        : { subject: certificate.subject, flaw: String(socket.authorizationError) },
    }),
  }
}
