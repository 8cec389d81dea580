import { connect, type Socket } from 'node:net'
import type { Address, Dial } from '../base/wire.js'
import { formatAddress } from './address.js'
import { createInlet, type Inlet, socketWire } from './socket-wire.js'
import { TransportError } from './transport-error.js'

/**
 * A Wire over TCP, encrypted as `security` says; in plaintext to this machine, and where plaintext was allowed.
 * @throws TransportError when the daemon is not the one that is known, or would hear in plaintext what others can hear
 */
export const dialTcp: Dial = async (address, security) => {
  if (security && security.trust.kind !== 'plaintext') {
    // Most commands of the machine that the daemon runs on need none of it.
    const { dialTls } = await import('./tls.js')
    return await dialTls(address, security)
  }
  const inlet = createInlet()
  const socket = await connected(address, inlet)
  if (security || isLoopback(socket.remoteAddress)) return socketWire(socket, { inlet })
  socket.destroy()
  const where = formatAddress(address)
  throw new TransportError('unknown-daemon', `its certificate is not known here; run jankins login ${where}`)
}

function connected({ host, port }: Address, { onread }: Inlet): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, onread })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** By the address that was really reached: a name may lead anywhere. */
export const isLoopback = (remoteAddress: string | undefined): boolean =>
  remoteAddress !== undefined && /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/.test(remoteAddress)
