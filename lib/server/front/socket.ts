import { Socket, type SocketConstructorOpts } from 'node:net'
import { assert } from '../../base/assert.js'

/** What a connection without a large frame under way reads at once: all that a peer can make main hold unasked. */
export const SMALL_READ_BYTES = 4 * 1024
const LARGE_READ_BYTES = 256 * 1024

// Every socket of the main thread reads into these: who is told of bytes copies what it keeps.
const small = Buffer.allocUnsafeSlow(SMALL_READ_BYTES)
const large = Buffer.allocUnsafeSlow(LARGE_READ_BYTES)

export interface Reader {
  /** The bytes are valid during the call only. False stops reading until `resume` of the socket. */
  onBytes(bytes: Buffer): boolean
  /** Room for much has been made: asked after each read, for the next one. */
  wantsMuch(): boolean
  /** Where much is to be put, if there is such a place already. */
  room(): Buffer | undefined
}

/**
 * The same connection as a socket that reads into shared memory and stops at once when it is told to. Node offers that
 * (`onread`) only to sockets that connect: those of a server read 64 KiB into fresh memory, and 64 KiB ahead of whoever
 * pauses them, so 5,000 peers could make main hold 320 MiB more than it wants. Hence the detour by the handle.
 * @param accepted of a server with pauseOnConnect; not to be used any more
 */
export function adoptSocket(accepted: Socket, reader: Reader): Socket {
  const owner = accepted as unknown as { _handle: object | null }
  const handle = owner._handle
  assert(handle, 'an accepted socket has a handle')
  owner._handle = null
  const options: SocketConstructorOpts & { handle: object; onread: object } = {
    handle,
    onread: {
      buffer: () => (reader.wantsMuch() ? (reader.room() ?? large) : small),
      callback: (bytes: number, buffer: Buffer) => reader.onBytes(buffer.subarray(0, bytes)),
    },
  }
  return new Socket(options)
}
