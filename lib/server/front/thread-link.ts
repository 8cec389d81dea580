import type { FromThread, Opened, ToThread } from '../ports.js'
import type { ConnectionId } from '../writer/writer.js'
import type { FrameSink, FrontConnection } from './connection.js'
import { createFrameSlabs } from './frame-slabs.js'
import { type AddressedFrame, packFrames } from './packing.js'

/** Credit of one connection that is worth a message of its own: a small part of what a session begins with. */
const CREDIT_BYTES = 64 * 1024

/** A running connection thread as the pool knows it: a Worker in the daemon, less in a test. */
export interface RunningThread {
  post(message: ToThread, transfer: ArrayBuffer[]): void
  /** Ends it at once. */
  terminate(): void
}

export interface ThreadHandlers {
  onMessage(message: FromThread): void
  /** Called exactly once; `error` is what escaped in the thread. @returns the connections that went with it */
  onExit(error: unknown): readonly ConnectionId[]
}

/** @param thread index in the table of connections by thread */
export type StartThread = (thread: number, handlers: ThreadHandlers) => RunningThread

/** One thread with its connections: gathers what one turn of the loop has for it into one message. */
export class ThreadLink implements FrameSink {
  readonly index: number
  readonly connections = new Map<ConnectionId, FrontConnection>()
  state: 'starting' | 'up' | 'retiring' | 'ended' = 'starting'
  readonly memory = createFrameSlabs()
  isDrained: boolean = false
  /** It was asked for a sign of life and has not answered. */
  isAsked: boolean = false
  /** When it last lost its last connection, or was told to retire. Clock.monotonicMs. */
  idleSinceMs: number
  readonly #running: RunningThread
  readonly #opened = new Map<ConnectionId, Opened>()
  #frames: AddressedFrame[] = []
  #credits = new Map<ConnectionId, number>()
  #closed: ConnectionId[] = []
  #isDraining: boolean = false
  #isPinging: boolean = false
  #isScheduled: boolean = false

  constructor(index: number, start: StartThread, handlers: ThreadHandlers, nowMs: number) {
    this.index = index
    this.idleSinceMs = nowMs
    this.#running = start(index, handlers)
  }

  open(connection: FrontConnection): void {
    this.connections.set(connection.id, connection)
    // Told with its first frame: before that the thread has nothing to do for it.
    const { id, address, tls } = connection
    this.#opened.set(id, { connection: id, address, tls })
  }
  frame(connection: ConnectionId, body: Buffer): void {
    this.#frames.push({ connection, body })
    this.#schedule()
  }
  credit(connection: ConnectionId, bytes: number): void {
    const owedBytes = (this.#credits.get(connection) ?? 0) + bytes
    this.#credits.set(connection, owedBytes)
    // Less than that goes along with whatever is posted next: it is not worth waking the thread for.
    if (owedBytes >= CREDIT_BYTES) this.#schedule()
  }
  close(connection: ConnectionId): void {
    if (!this.connections.delete(connection) || this.#opened.delete(connection)) return
    this.#credits.delete(connection)
    this.#closed.push(connection)
    this.#schedule()
  }
  drain(): void {
    this.#isDraining = true
    this.#schedule()
  }
  ping(): void {
    this.isAsked = true
    this.#isPinging = true
    this.#schedule()
  }
  terminate(): void {
    this.#running.terminate()
  }

  #schedule(): void {
    if (this.#isScheduled || this.state === 'ended') return
    this.#isScheduled = true
    setImmediate(() => this.#post())
  }

  #post(): void {
    this.#isScheduled = false
    if (this.state === 'ended') return
    const { frames, transfer } = packFrames(this.#frames)
    const message: ToThread = {
      opened: [...this.#opened.values()],
      frames,
      credits: [...this.#credits],
      closed: this.#closed,
      ...(this.#isDraining && { drain: true }),
      ...(this.#isPinging && { ping: true }),
    }
    this.#opened.clear()
    this.#frames = []
    this.#credits = new Map()
    this.#closed = []
    this.#isDraining = false
    this.#isPinging = false
    this.#running.post(message, transfer)
  }
}
