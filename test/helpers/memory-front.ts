import type { Wire } from '../../lib/base/wire.js'
import type { Peer, Services } from '../../lib/server/connection/services.js'
import { Session } from '../../lib/server/connection/session.js'
import { JankinsError } from '../../protocol/errors.js'
import { encodeFrame, FrameDecoder } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { encodeErrorReply } from '../../protocol/message.js'

/**
 * What the main thread does for one connection, by the same rules and without threads: one frame at a time until the
 * session is ready, no more than LIMITS.pipelinedMax unanswered ones after that, credit for what has left.
 * @param onEnd called once, when the session is closed
 */
export function serveWire(wire: Wire, services: Services, peer: Peer, onEnd: () => void): Session {
  const decoder = new FrameDecoder(LIMITS.frameBytesBeforeAuth.value)
  let phase: 'single' | 'judged' | 'ready' | 'over' = 'single'
  let inFlight = 0
  let unreadBytes = 0

  const session = new Session(services, peer, {
    send(body) {
      const frame = encodeFrame(body)
      inFlight--
      queueMicrotask(pump)
      if (wire.write(frame)) queueMicrotask(() => session.credit(body.length))
      else unreadBytes += body.length
    },
    handled() {
      inFlight--
      queueMicrotask(pump)
    },
    verdict(verdict) {
      if (verdict.kind === 'close') {
        finish()
        return
      }
      phase = verdict.kind === 'ready' ? 'ready' : 'single'
      if (verdict.kind === 'ready') decoder.bodyBytesMax = verdict.frameBytesMax
      queueMicrotask(pump)
    },
  })

  function pump(): void {
    try {
      while (phase === 'single' || (phase === 'ready' && inFlight < LIMITS.pipelinedMax.value)) {
        const body = decoder.next()
        if (!body) return
        if (phase === 'single') phase = 'judged'
        inFlight++
        session.receive(body)
      }
    } catch (error) {
      if (!(error instanceof JankinsError)) throw error
      wire.write(encodeFrame(encodeErrorReply(0, error)))
      finish()
    }
  }

  function finish(): void {
    if (phase === 'over') return
    phase = 'over'
    wire.end()
    session.close()
    onEnd()
  }

  wire.listen({
    onData(bytes) {
      if (phase === 'over') return
      decoder.push(bytes)
      pump()
    },
    onDrain() {
      const bytes = unreadBytes
      unreadBytes = 0
      session.credit(bytes)
    },
    onClose: finish,
  })
  return session
}
