import type { Socket } from 'node:net'
import type { TlsFacts } from '../ports.js'
import { adoptSocket, type Reader } from './socket.js'

/** One accepted connection that is ready for frames, encrypted or not. */
export interface Channel {
  /** Of the peer, HOST:PORT. */
  readonly address: string
  /** Undefined on plain TCP. */
  readonly tls: TlsFacts | undefined
  /** Takes the connection over; `resume` of the socket starts the reading. */
  open(reader: Reader): Socket
}

/** @param accepted of a server with pauseOnConnect; not to be used any more once the channel is open */
export const plainChannel = (accepted: Socket): Channel => ({
  address: addressOf(accepted),
  tls: undefined,
  open: reader => adoptSocket(accepted, reader),
})

export const addressOf = (socket: Socket): string => `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`
