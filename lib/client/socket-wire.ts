import type { Socket } from 'node:net'
import type { Wire, WireHandlers } from '../base/wire.js'

/** A Wire over a connected socket. Frames that are written in one turn of the loop leave in one packet. */
export function socketWire(socket: Socket, bindings?: Wire['bindings']): Wire {
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
      socket.on('data', bytes => handlers.onData(bytes))
      socket.on('drain', () => handlers.onDrain?.())
      if (socket.closed) return process.nextTick(() => handlers.onClose(failure))
      socket.on('close', () => handlers.onClose(failure))
      socket.resume()
    },
  }
}
