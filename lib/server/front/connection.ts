import type { Socket } from 'node:net'
import { JankinsError } from '../../../protocol/errors.js'
import { encodeFrame, FrameDecoder, type FrameMemory, HEADER_BYTES } from '../../../protocol/frame.js'
import type { Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { encodeErrorReply } from '../../../protocol/message.js'
import type { TlsFacts, Verdict } from '../ports.js'
import type { ConnectionId } from '../writer/writer.js'
import { type Budget, LITTLE_BYTES, type Reservation } from './budget.js'
import type { Channel } from './channel.js'
import { type DeadlineLimits, Deadlines } from './deadlines.js'
import { Outbox } from './outbox.js'

/** What a connection hands its frames to. */
export interface FrameSink {
  frame(connection: ConnectionId, body: Buffer): void
  /** For large frames. */
  readonly memory: FrameMemory
  credit(connection: ConnectionId, bytes: number): void
}

export interface ConnectionParts {
  readonly budget: Budget
  readonly limits: DeadlineLimits
  /** Largest frame after authentication, bytes: four of them may be in flight. */
  readonly frameBytesMax: number
  /** When it was accepted. Clock.monotonicMs. */
  readonly sinceMs: number
  /** Counts a connection of this user. @throws JankinsError E_TOO_MANY when there are enough */
  admit(user: Name): void
  /** Called once, when nothing of the connection is left. */
  onClosed(connection: FrontConnection): void
  /** The budget is exceeded beyond what pausing helps. */
  onFarOver(): void
  /** The peer began a TLS handshake on plain TCP, and is refused. */
  onTlsSpoken(): void
}

/** Replies to no request: the connection as a whole is refused. PROTOCOL.md §3. */
export const refusal = (error: JankinsError): Buffer => encodeFrame(encodeErrorReply(0, error))

const IN_FLIGHT_FRAMES = 4
/** How a record of a TLS handshake begins (RFC 8446 §5.1): as a length it is over 300 MB, which no `buffer` lets in. */
const TLS_HANDSHAKE = 0x1603

/**
 * One socket: cuts its bytes into frames, holds back what is too much, writes replies. `greeting` and `judging` take
 * turns until the session is ready: one frame goes to the thread, and none is cut before its verdict.
 */
export class FrontConnection {
  readonly id: ConnectionId
  readonly address: string
  readonly tls: TlsFacts | undefined
  readonly #socket: Socket
  readonly #parts: ConnectionParts
  readonly #sink: FrameSink
  readonly #decoder: FrameDecoder
  readonly #outbox: Outbox
  readonly #deadlines: Deadlines
  #user: Name | undefined
  #phase: 'greeting' | 'judging' | 'ready' | 'closing' | 'closed' = 'greeting'
  #inFlightCount = 0
  #inFlightBytes = 0
  #heldBytes = 0
  #reservation: Reservation | undefined
  #isPaused: boolean = false
  readonly #resume = (): void => this.#pull()

  /** @param channel the connection takes it over */
  constructor(id: ConnectionId, channel: Channel, sink: FrameSink, parts: ConnectionParts) {
    const socket = channel.open({
      onBytes: bytes => this.#receive(bytes),
      wantsMuch: () => this.#reservation?.isGranted === true,
      room: () => this.#decoder.room,
    })
    this.id = id
    this.address = channel.address
    this.tls = channel.tls
    this.#socket = socket
    this.#sink = sink
    this.#decoder = new FrameDecoder(LIMITS.frameBytesBeforeAuth.value, sink.memory)
    this.#parts = parts
    this.#deadlines = new Deadlines(parts.limits, parts.sinceMs)
    this.#outbox = new Outbox(
      socket,
      (credit, handled) => this.#left(credit, handled),
      () => this.#account(),
    )
    socket.on('end', () => this.destroy())
    // What broke does not matter: 'close' follows, and the peer is gone.
    socket.on('error', () => {})
    socket.on('close', () => this.destroy())
    // Without this the end is never told; bytes go to the reader all the same.
    socket.resume()
  }

  /** All bytes that main holds for it, and the room that it has reserved. */
  get heldBytes(): number {
    return this.#heldBytes
  }
  /** Who was admitted. */
  get user(): Name | undefined {
    return this.#user
  }
  get isOpen(): boolean {
    return this.#phase !== 'closing' && this.#phase !== 'closed'
  }

  /** Replies in their order, each with its length prefix, and the bytes of their bodies. */
  send(bytes: Buffer, bodyBytes: number): void {
    if (this.isOpen) this.#outbox.push(bytes, bodyBytes)
  }

  /** Frames that the thread has dealt with; they count until what was sent before this has left. */
  handled(count: number): void {
    if (this.isOpen) this.#outbox.handled(count)
  }

  flush(): void {
    if (!this.isOpen) return
    this.#outbox.flush()
    this.#account()
  }

  /** Told before the reply that says so is sent: one connection too many of a user is refused instead. */
  admit(user: Name): void {
    if (this.#phase !== 'judging') return
    try {
      this.#parts.admit(user)
      this.#user = user
    } catch (error) {
      this.#refuseFor(error)
    }
  }

  obey(verdict: Verdict): void {
    if (this.#phase !== 'judging' && verdict.kind !== 'close') return
    if (verdict.kind === 'close') {
      this.close()
      return
    }
    if (verdict.kind === 'ready') {
      this.#decoder.bodyBytesMax = verdict.frameBytesMax
      this.#deadlines.isReady = true
    }
    this.#phase = verdict.kind === 'ready' ? 'ready' : 'greeting'
    this.#pull()
  }

  /** The thread has started: the time to authenticate counts from now. */
  threadIsUp(nowMs: number): void {
    this.#deadlines.restart(nowMs)
  }

  /** Called a few times a second: ends what takes too long. @returns why it was ended */
  sweep(nowMs: number): string | undefined {
    if (this.#phase === 'closed') return undefined
    this.#account()
    const late = this.#deadlines.check(nowMs, {
      unsentBytes: this.#outbox.unsentBytes,
      leftBytes: this.#outbox.leftBytes,
      // A frame is late only while it is the peer's turn.
      isFrameBegun: this.#decoder.heldBytes > 0 && this.isOpen && this.#mayRead(),
      isClosing: this.#phase === 'closing',
    })
    if (late !== undefined) this.destroy()
    return late
  }

  /** Refuses the connection as a whole: an error that answers no request, then the end. */
  refuse(error: JankinsError): void {
    this.send(refusal(error), 0)
    this.close()
  }

  /** Sends what waits, then ends. Until the peer has closed too, its bytes are thrown away: unread ones would reset. */
  close(): void {
    if (!this.isOpen) return
    this.#outbox.flush()
    this.#phase = 'closing'
    this.#dropReservation()
    this.#outbox.finish()
    this.#account()
    this.#socket.resume()
  }

  /** Ends at once; what was not sent is lost. */
  destroy(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#dropReservation()
    this.#decoder.drop()
    this.#parts.budget.forget(this.#resume)
    this.#parts.budget.count(-this.#heldBytes)
    this.#heldBytes = 0
    this.#socket.destroy()
    this.#parts.onClosed(this)
  }

  /** @returns whether to read on */
  #receive(bytes: Buffer): boolean {
    if (!this.isOpen) return true
    this.#decoder.push(bytes)
    this.#cut()
    this.#decoder.keep()
    this.#account()
    this.#isPaused = this.isOpen && !this.#mayRead()
    return !this.#isPaused
  }

  /** Something has changed for the better: cuts and reads on as far as limits and budget let it. */
  #pull(): void {
    if (!this.isOpen) return
    this.#cut()
    this.#account()
    if (!this.#isPaused || !this.isOpen || !this.#mayRead()) return
    this.#isPaused = false
    this.#socket.resume()
  }

  #cut(): void {
    try {
      while (this.#mayForward()) {
        const body = this.#decoder.next()
        if (body === undefined) {
          this.#reserve()
          return
        }
        this.#dropReservation()
        this.#deadlines.frameEnded()
        if (this.#phase === 'greeting') this.#phase = 'judging'
        this.#inFlightCount++
        this.#inFlightBytes += body.length
        this.#sink.frame(this.id, body)
      }
    } catch (error) {
      this.#refuseFor(error)
    }
  }

  #refuseFor(error: unknown): void {
    if (!(error instanceof JankinsError)) throw error
    if (Number(error.detail.bytes) >>> 16 === TLS_HANDSHAKE) this.#parts.onTlsSpoken()
    this.refuse(error)
  }

  #reserve(): void {
    const bytes = (this.#decoder.announcedBytes ?? 0) + HEADER_BYTES
    const holder = this.#user ?? this.address
    if (bytes > LITTLE_BYTES) this.#reservation ??= this.#parts.budget.reserve(holder, bytes, this.#resume)
  }

  #dropReservation(): void {
    if (this.#reservation) this.#parts.budget.release(this.#reservation)
    this.#reservation = undefined
  }

  #mayForward(): boolean {
    return (
      (this.#phase === 'greeting' || this.#phase === 'ready') &&
      this.#inFlightCount < LIMITS.pipelinedMax.value &&
      this.#inFlightBytes < IN_FLIGHT_FRAMES * this.#parts.frameBytesMax
    )
  }

  #mayRead(): boolean {
    if (!this.#mayForward() || this.#reservation?.isGranted === false) return false
    const { budget } = this.#parts
    if (!budget.isOver || this.#reservation?.isGranted || this.#heldBytes <= LITTLE_BYTES) return true
    budget.onRelief(this.#resume)
    return false
  }

  #left(creditBytes: number, handledCount: number): void {
    if (!this.isOpen) {
      this.#account()
      return
    }
    if (handledCount > 0) {
      // Which frames they were is not told: an even share each, and all when none is left.
      this.#inFlightBytes -= Math.ceil((this.#inFlightBytes * handledCount) / Math.max(this.#inFlightCount, 1))
      this.#inFlightCount -= handledCount
    }
    if (creditBytes > 0) this.#sink.credit(this.id, creditBytes)
    this.#pull()
  }

  #account(): void {
    if (this.#phase === 'closed') return
    const reserved = this.#reservation?.isGranted ? this.#reservation.bytes : 0
    const arrived = this.#decoder.heldBytes + this.#socket.readableLength
    const held = Math.max(arrived, reserved) + this.#inFlightBytes + this.#outbox.unsentBytes
    if (held === this.#heldBytes) return
    const grew = held - this.#heldBytes
    this.#heldBytes = held
    this.#parts.budget.count(grew)
    if (grew > 0 && this.#parts.budget.isFarOver) this.#parts.onFarOver()
  }
}
