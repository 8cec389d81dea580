import type { Clock } from '../../base/clock.js'
import type { Log } from '../../base/log.js'
import type { CertificateUsers } from '../../base/tls-keys.js'
import type { Blobs } from '../../blobs/blobs.js'
import type { StoreReader } from '../../store/store.js'
import type { Logins } from '../logins.js'
import type { ReadableMetrics } from '../metrics/metrics.js'
import type { TlsFacts, Verdict } from '../ports.js'
import type { Room } from '../room.js'
import type { LeaseSlots, WorkerSlots } from '../slots.js'
import type { ConnectionId, Writer } from '../writer/writer.js'

/** Everything that a session and its handlers may touch: all of it is a parameter, so all of it runs in one process. */
export interface Services {
  readonly clock: Clock
  readonly log: Log
  readonly store: StoreReader
  readonly blobs: Blobs
  readonly writer: Writer
  readonly leaseSlots: LeaseSlots
  readonly workerSlots: WorkerSlots
  /** On the disk of `blobs` and `store`; missing where that has no end. */
  readonly room?: Pick<Room, 'isShort' | 'release'>
  /** Largest frame that is received after authentication, bytes. */
  readonly frameBytesMax: number
  /** 32 random bytes of this daemon: makes the salt of users that do not exist look like any other. */
  readonly scramSecret: Uint8Array
  /** Missing: nobody logs in by certificate. */
  readonly certificateUsers?: CertificateUsers | undefined
  /** 32 bytes that open the secrets of actions. */
  readonly secretKey: Uint8Array
  /** An account that was registered may do nothing before an admin has enabled it. */
  readonly requireApproval: boolean
  readonly logins: Logins
  readonly metrics: ReadableMetrics
  readonly startedAtMs: number
  /** Connections by thread, as the main thread counts them. */
  threadConnections(): readonly { readonly thread: number; readonly connections: number }[]
}

/** What a session says to the main thread, or to a test. */
export interface SessionOutput {
  /** Answers one received frame: the body of a frame, without its length prefix. */
  send(body: Uint8Array): void
  /** Memory for the bytes of one reply, behind REPLY_HEAD_BYTES of room; undefined where none is free. */
  lend?(bytes: number): Buffer | undefined
  /** The reply was sent, with these bytes or without. */
  giveBack?(lent: Buffer): void
  /** Nothing looks at this received frame any more. Those of the authentication are not told. */
  done?(body: Uint8Array): void
  /** One received frame is dealt with and has no answer. */
  handled(): void
  verdict(verdict: Verdict): void
  /** Nothing is in hand any more: `Session.idle` has become true. */
  idle?(): void
}

export interface Peer {
  readonly connection: ConnectionId
  readonly address: string
  /** Missing on plain TCP. */
  readonly tls?: TlsFacts | undefined
}
