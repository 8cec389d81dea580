import { isErrorCode, JankinsError, type WireError } from '../../protocol/errors.js'
import { encodeFrame, FrameDecoder } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { decodeMessage, encodeNotice, encodeRequestFrame, type Message } from '../../protocol/message.js'
import { METHODS, type Method, type Params, type Result } from '../../protocol/methods.js'
import { checkResult, type Schema } from '../../protocol/schema.js'
import { assert } from '../base/assert.js'
import type { Wire } from '../base/wire.js'

/** The connection could not be made, or ended before the reply. The cause tells why. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError'
}

/** One less than the daemon takes up at once, so that a cancellation always gets through. */
const IN_FLIGHT_MAX = LIMITS.pipelinedMax.value - 1
const ID_MAX = 2 ** 32 - 1

interface Pending {
  readonly method: Method
  readonly params: Readonly<Record<string, unknown>>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
  /** Set when it was sent. */
  id?: number
}

/** Requests and replies of one connection, matched by id. Knows no authentication and no time. */
export class Calls {
  readonly closed: Promise<Error | undefined>
  readonly #wire: Wire
  readonly #decoder: FrameDecoder
  readonly #sent = new Map<number, Pending>()
  readonly #waiting: Pending[] = []
  readonly #resolveClosed: (error: Error | undefined) => void
  #sendBytesMax: number
  #nextId = 1
  #writable: boolean = true
  #ended: ConnectionLostError | undefined
  #heardBytes = 0

  /** @param frameBytesMax largest frame in both directions until ready() */
  constructor(wire: Wire, frameBytesMax: number) {
    let resolveClosed: (error: Error | undefined) => void = () => {}
    this.closed = new Promise(resolve => {
      resolveClosed = resolve
    })
    this.#resolveClosed = resolveClosed
    this.#wire = wire
    this.#sendBytesMax = frameBytesMax
    this.#decoder = new FrameDecoder(frameBytesMax)
    wire.listen({
      onData: bytes => this.#receive(bytes),
      room: () => this.#decoder.room,
      onDrain: () => {
        this.#writable = true
        this.#pump()
      },
      onClose: error => this.#end(error),
    })
  }

  /** Counts up with every byte that comes. */
  get heardBytes(): number {
    return this.#heardBytes
  }
  /** Calls without a reply. */
  get openCount(): number {
    return this.#sent.size + this.#waiting.length
  }

  /** The session is ready: larger frames may go both ways. */
  ready(sendBytesMax: number): void {
    this.#sendBytesMax = sendBytesMax
    this.#decoder.bodyBytesMax = LIMITS.replyBytesMax.value
  }

  /** Client.call says what this promises. */
  call<M extends Method>(method: M, params: Params<M>, cancel?: AbortSignal): Promise<Result<M>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended)
      if (cancel?.aborted) return reject(new JankinsError('E_CANCELLED'))
      const onAbort = (): void => this.#cancel(pending)
      const pending: Pending = {
        method,
        params,
        resolve: result => {
          cancel?.removeEventListener('abort', onAbort)
          resolve(result as Result<M>)
        },
        reject: error => {
          cancel?.removeEventListener('abort', onAbort)
          reject(error)
        },
      }
      cancel?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(pending)
      this.#pump()
    })
  }

  close(): void {
    this.#wire.end()
    this.#end(undefined)
  }

  destroy(): void {
    this.#wire.destroy()
    this.#end(undefined)
  }

  #pump(): void {
    while (this.#writable && this.#sent.size < IN_FLIGHT_MAX && !this.#ended) {
      const pending = this.#waiting.shift()
      if (!pending) return
      this.#send(pending)
    }
  }

  #send(pending: Pending): void {
    const id = this.#freeId()
    const { pieces, bodyBytes } = encodeRequestFrame(id, pending.method, pending.params)
    if (bodyBytes > this.#sendBytesMax) {
      pending.reject(new JankinsError('E_FRAME_TOO_LARGE', { bytes: bodyBytes, bytesMax: this.#sendBytesMax }))
      return
    }
    pending.id = id
    this.#sent.set(id, pending)
    for (const piece of pieces) this.#writable = this.#wire.write(piece)
  }

  #freeId(): number {
    do this.#nextId = this.#nextId >= ID_MAX ? 1 : this.#nextId + 1
    while (this.#sent.has(this.#nextId))
    return this.#nextId
  }

  #cancel(pending: Pending): void {
    if (pending.id !== undefined) {
      // A small frame: it may go although the pipe is full, and it must, since what parks may be what fills it.
      if (!this.#ended) this.#wire.write(encodeFrame(encodeNotice('request.cancel', { request: pending.id })))
      return
    }
    const index = this.#waiting.indexOf(pending)
    assert(index >= 0, 'a request is waiting or sent')
    this.#waiting.splice(index, 1)
    pending.reject(new JankinsError('E_CANCELLED'))
  }

  #receive(bytes: Buffer): void {
    if (this.#ended) return
    this.#heardBytes += bytes.length
    try {
      this.#decoder.push(bytes)
      for (let body = this.#decoder.next(); body && !this.#ended; body = this.#decoder.next())
        this.#take(decodeMessage(body, LIMITS.replyBytesMax.value))
    } catch (error) {
      this.#wire.destroy()
      this.#end(error as Error)
    }
    this.#pump()
  }

  /** @throws JankinsError E_BAD_FRAME for what no daemon of this protocol says: the connection ends */
  #take(message: Message): void {
    if (message.kind === 'notice') return
    if (message.kind === 'request') throw new JankinsError('E_BAD_FRAME', { expected: 'a reply' })
    const pending = this.#sent.get(message.id)
    if (!pending) {
      // An error that answers no request is about the connection as a whole.
      if (message.error !== undefined) throw errorOfWire(message.error)
      throw new JankinsError('E_BAD_FRAME', { expected: 'a reply to a request' })
    }
    if (message.error !== undefined) pending.reject(errorOfWire(message.error))
    else {
      // The reply to a request that rode along may be large, and may be in the same chunk.
      if (pending.method === 'auth.finish') this.#decoder.bodyBytesMax = LIMITS.replyBytesMax.value
      pending.resolve(resultOf(pending.method, message.result))
    }
    this.#sent.delete(message.id)
  }

  #end(cause: Error | undefined): void {
    if (this.#ended) return
    const text = cause ? 'the connection to the daemon was lost' : 'the connection to the daemon is closed'
    this.#ended = new ConnectionLostError(text, cause && { cause })
    for (const pending of [...this.#sent.values(), ...this.#waiting.splice(0)]) pending.reject(this.#ended)
    this.#sent.clear()
    this.#resolveClosed(cause)
  }
}

/** @throws JankinsError E_BAD_FRAME: a daemon that answers beside the table cannot be relied on any further */
function resultOf(method: Method, result: unknown): unknown {
  try {
    return checkResult(METHODS[method].result as Schema<unknown>, result)
  } catch (cause) {
    throw new JankinsError('E_BAD_FRAME', { method, ...(cause instanceof JankinsError && cause.detail) }, { cause })
  }
}

/** A code of a newer daemon that is unknown here keeps its name and text in the detail. */
function errorOfWire({ code, message, detail }: WireError): JankinsError {
  return isErrorCode(code)
    ? new JankinsError(code, detail)
    : new JankinsError('E_INTERNAL', { ...detail, code, message })
}
