import type { ConnectionId } from './writer/writer.js'

/**
 * What the threads say to each other. Each message carries all that one turn of the sender's loop produced.
 *
 * Frames travel packed into one ArrayBuffer that is transferred, not copied: for each frame uint32 connection, uint32
 * bytes (both little endian), then the body without its length prefix.
 */
export type PackedFrames = ArrayBuffer

/** From the main thread to a connection thread. */
export interface ToThread {
  readonly opened: readonly { readonly connection: ConnectionId; readonly address: string }[]
  readonly frames: PackedFrames | null
  /** Bytes of replies that have left: the thread may produce that many more for this connection. */
  readonly credits: readonly (readonly [ConnectionId, number])[]
  readonly closed: readonly ConnectionId[]
  /** Finish: answer what is in hand, refuse new work with E_DRAINING. */
  readonly drain?: boolean
}

/**
 * After a frame that came before the session was ready: `more` cuts the next one under the same limit, `ready` lifts
 * the limit, `close` ends the connection when the frames before it have left.
 */
export type Verdict =
  | { readonly connection: ConnectionId; readonly kind: 'more' | 'close' }
  | { readonly connection: ConnectionId; readonly kind: 'ready'; readonly frameBytesMax: number }

/** From a connection thread to the main thread. Frames are written before verdicts are obeyed. */
export interface FromThread {
  readonly frames: PackedFrames | null
  /** How many frames of a connection are dealt with: answered, or notices that need no answer. */
  readonly handled: readonly (readonly [ConnectionId, number])[]
  readonly verdicts: readonly Verdict[]
  /** Answer to `drain`: nothing is in hand any more. */
  readonly drained?: boolean
}

/** Between a connection thread and the writer thread, on a port of their own: calls of the Writer interface. */
export interface WriterCall {
  readonly call: number
  readonly method: string
  readonly args: readonly unknown[]
}
export type WriterAnswer =
  | { readonly call: number; readonly result: unknown }
  | {
      readonly call: number
      readonly error: { readonly code: string; readonly detail: Record<string, string | number> }
    }
  /** Our own fault: the stack is logged by the writer. */
  | { readonly call: number; readonly failure: string }

/** What every thread is started with. */
export interface ThreadData {
  readonly dataDir: string
  readonly frameBytesMax: number
  readonly leaseSlots: SharedArrayBuffer
  readonly workerSlots: SharedArrayBuffer
  readonly logLevel: string
}
