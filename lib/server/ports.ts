import type { MessagePort } from 'node:worker_threads'
import type { ChannelBindings } from '../../protocol/channel-binding.js'
import type { Name } from '../../protocol/ids.js'
import type { RetentionConfig } from '../base/config.js'
import type { LogRecord } from '../base/log.js'
import type { CertificateUsers } from '../base/tls-keys.js'
import type { AddressedFrame } from './front/packing.js'
import type { SessionsEnd } from './writer/shut-out.js'
import type { ConnectionId, Counters } from './writer/writer.js'

/**
 * What the threads say to each other. Each message carries all that one turn of the sender's loop produced.
 *
 * Small frames travel packed into one ArrayBuffer: for each of them uint32 connection, uint32 bytes (both little endian),
 * then the body without its length prefix. Large ones travel alone. Their memory is transferred, not copied, or shared
 * (connection/reply-slabs.ts).
 */
export type PackedFrames = readonly (ArrayBuffer | AddressedFrame)[]

/** What a session has to know of its TLS connection: plain data, since it never sees a socket. */
export interface TlsFacts {
  readonly bindings: ChannelBindings
  /** That the client has shown, if any; `flaw`: why it does not count. */
  readonly certificate?: { readonly subject: string; readonly flaw?: string }
}

/** A new connection. */
export interface Opened {
  readonly connection: ConnectionId
  readonly address: string
  /** Undefined on plain TCP. */
  readonly tls: TlsFacts | undefined
}

/** From the main thread to a connection thread. */
export interface ToThread {
  readonly opened: readonly Opened[]
  readonly frames: PackedFrames
  /**
   * Bytes of replies that have left: the thread may produce that many more for this connection. Main keeps little ones
   * back until there is something else to say.
   */
  readonly credits: readonly (readonly [ConnectionId, number])[]
  readonly closed: readonly ConnectionId[]
  /** Finish: answer what is in hand, refuse new work with E_DRAINING. */
  readonly drain?: boolean
  /** To be answered by `pong`: whether the thread goes on. */
  readonly ping?: boolean
}

/**
 * After a frame that came before the session was ready: `more` cuts the next one under the same limit, `ready` lifts
 * the limit, `close` ends the connection when the frames before it have left.
 */
export type Verdict =
  | { readonly connection: ConnectionId; readonly kind: 'more' | 'close' }
  | {
      readonly connection: ConnectionId
      readonly kind: 'ready'
      readonly frameBytesMax: number
      /** Who authenticated: main counts the connections of each user. */
      readonly user: Name
    }

/** From a connection thread to the main thread. Frames are written before verdicts are obeyed. */
export interface FromThread {
  readonly frames: PackedFrames
  /** How many frames of a connection are dealt with without an answer: each of `frames` stands for one more. */
  readonly handled: readonly (readonly [ConnectionId, number])[]
  readonly verdicts: readonly Verdict[]
  /** Answer to `drain`: nothing is in hand any more. */
  readonly drained?: boolean
  /** The thread has opened its files and deals with what was posted to it. */
  readonly up?: boolean
  /** Answer to `ping`. */
  readonly pong?: boolean
  readonly logs?: readonly LogRecord[]
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
  /** No answer: what every connection thread has to know. */
  | { readonly sessionsEnd: SessionsEnd }

/** What a connection thread is started with. */
export interface ThreadData {
  /** Index of this thread in `connectionCounts`. */
  readonly thread: number
  readonly dataDir: string
  /** Free space below which new work is refused. */
  readonly reserveBytes: number
  readonly frameBytesMax: number
  readonly leaseSlots: SharedArrayBuffer
  readonly workerSlots: SharedArrayBuffer
  /** Int32 for each thread: its connections and 1, or 0 where there is no thread. Written by the main thread alone. */
  readonly connectionCounts: SharedArrayBuffer
  readonly scramSecret: Uint8Array
  /** Undefined: nobody logs in by certificate. */
  readonly certificateUsers: CertificateUsers | undefined
  readonly secretKey: Uint8Array
  readonly requireApproval: boolean
  /** Failed logins: logins.ts. */
  readonly loginCounters: SharedArrayBuffer
  /** See metrics/metrics.ts. */
  readonly metrics: SharedArrayBuffer
  readonly startedAtMs: number
  /** See log-level.ts. */
  readonly logLevel: SharedArrayBuffer
  /** Carries WriterCall[] to the writer thread and WriterAnswer[] back. */
  readonly writer: MessagePort
}

/** What the writer thread is started with. */
export interface WriterThreadData {
  readonly dataDir: string
  readonly reserveBytes: number
  readonly leaseSlots: SharedArrayBuffer
  readonly workerSlots: SharedArrayBuffer
  /** Id of this daemon: the home of its leases. */
  readonly daemon: string
  readonly retention: RetentionConfig
  /** See metrics/metrics.ts. */
  readonly metrics: SharedArrayBuffer
  /** See log-level.ts. */
  readonly logLevel: SharedArrayBuffer
}

/** From the main thread to the writer thread. `link` numbers the ports, never twice. */
export type ToWriterThread =
  | { readonly kind: 'link'; readonly link: number; readonly port: MessagePort }
  /** The thread at the other end died: what these connections parked or locked is to be dropped. */
  | { readonly kind: 'died'; readonly link: number; readonly connections: readonly ConnectionId[] }
  | { readonly kind: 'ping' }
  | { readonly kind: 'retention'; readonly retention: RetentionConfig }
  | { readonly kind: 'stop' }

/** From the writer thread to the main thread. */
export type FromWriterThread =
  | { readonly kind: 'up' }
  /** The database cannot be opened; the message says what to do. */
  | { readonly kind: 'refused'; readonly message: string; readonly stack: string }
  | { readonly kind: 'logs'; readonly logs: readonly LogRecord[] }
  /** One for each `ping`, in order. */
  | { readonly kind: 'pong'; readonly counters: Counters }
