import { connect } from 'node:net'

export interface LoadSocket {
  write(bytes: Buffer): void
  destroy(): void
}

/**
 * Connects with as little work per message as node can do: all sockets read into one buffer.
 * @param onBytes the bytes are valid during the call
 */
export function openSocket(port: number, onBytes: (bytes: Buffer) => void): Promise<LoadSocket> {
  return new Promise((resolve, reject) => {
    const callback = (count: number, buffer: Uint8Array): boolean => {
      onBytes((buffer as Buffer).subarray(0, count))
      return true
    }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: shared, callback } })
    socket.once('error', reject)
    socket.once('connect', () => resolve(socket))
  })
}

const shared = Buffer.allocUnsafeSlow(256 * 1024)
