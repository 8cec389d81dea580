import { Buffer } from 'node:buffer'
import type { OnReadOpts, Socket } from 'node:net'
import type { Wire, WireHandlers } from '../base/wire.js'

const READ_BYTES = 64 * 1024

/** Where a socket puts its bytes, and who is told of them: without one node makes new memory for each read. */
export interface Inlet {
  readonly onread: OnReadOpts
  handlers: WireHandlers | undefined
}

export function createInlet(): Inlet {
  const shared = Buffer.allocUnsafeSlow(READ_BYTES)
  const inlet: Inlet = {
    handlers: undefined,
    onread: {
      buffer: () => inlet.handlers?.room?.() ?? shared,
      callback(bytesRead, buffer) {
        inlet.handlers?.onData(Buffer.from(buffer.buffer, buffer.byteOffset, bytesRead))
        return true
      },
    },
  }
  return inlet
}

/**
 * A Wire over a connected socket. Frames that are written in one turn of the loop leave in one packet.
 * @param options.inlet the one that the socket was made with
 */
export function socketWire(
  socket: Socket,
  { bindings, inlet }: { readonly bindings?: Wire['bindings']; readonly inlet?: Inlet },
): Wire {
  let failure: Error | undefined
  let corked = false
  socket.pause()
  socket.on('error', error => {
    failure = error
  })
  return {
    ...(bindings && { bindings }),
    write(bytes) {
      if (!corked) {
        corked = true
        socket.cork()
        process.nextTick(() => {
          corked = false
          socket.uncork()
        })
      }
      return socket.write(bytes)
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => socket.destroySoon(),
    destroy: () => void socket.destroy(),
    listen(handlers: WireHandlers) {
      if (inlet) inlet.handlers = handlers
      else socket.on('data', bytes => handlers.onData(bytes))
      socket.on('drain', () => handlers.onDrain?.())
      if (socket.closed) return process.nextTick(() => handlers.onClose(failure))
      socket.on('close', () => handlers.onClose(failure))
      socket.resume()
    },
  }
}
