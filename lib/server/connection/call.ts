import { JankinsError } from '../../../protocol/errors.js'
import type { Role } from '../../../protocol/fields.js'
import type { LeaseId, Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { SlotRef } from '../slots.js'
import type { ConnectionId } from '../writer/writer.js'
import type { Held } from './held.js'
import type { Services, SessionOutput } from './services.js'

/** Who is at the other end, as authentication found it. */
export interface Caller {
  readonly user: Name
  readonly role: Role
  readonly mayExec: boolean
}

/** What handlers know of their session, and what they keep in it. */
export interface SessionFacts {
  readonly connection: ConnectionId
  readonly address: string
  readonly caller: Caller
  /** Nobody but its two ends can read the connection. */
  readonly isPrivate: boolean
  /** Slot of the worker that this connection is the attached one of. */
  attachment: SlotRef | undefined
  /** The writer thread was told of this connection, and has to hear of its end. */
  isKnown: boolean
  readonly leases: Map<LeaseId, Held>
  /** Waits that the writer thread keeps for this session, abandoned ones too. */
  waitCount: number
  /** Names the waits of this session. */
  lastWait: number
}

/** One request, as its handler sees it. */
export interface Call {
  readonly services: Services
  readonly session: SessionFacts
  readonly cancellation: Cancellation
  /**
   * Waits until the peer has read enough of what it asked for before, then sets `bytes` of credit aside for this
   * reply. Called before bulk bytes are read, never before a wait: a parked request must hold up no other one.
   */
  reserve(bytes: number): Promise<void>
  readonly memory: ReplyMemory
}

/** Memory that the bytes of a reply are read into and sent from. */
export class ReplyMemory {
  readonly #output: Pick<SessionOutput, 'lend'>
  #taken: Buffer | undefined

  constructor(output: Pick<SessionOutput, 'lend'>) {
    this.#output = output
  }

  /** At least `bytes` long, once in a request; undefined where none is free. */
  take(bytes: number): Buffer | undefined {
    this.#taken = this.#output.lend?.(bytes)
    return this.#taken
  }

  /** What was taken. */
  get taken(): Buffer | undefined {
    return this.#taken
  }
}

/** Tells a parked request that it is to be answered now. */
export class Cancellation {
  #reason: 'E_CANCELLED' | 'E_DRAINING' | undefined
  #wake: (() => void) | undefined
  /** Why, once it is cancelled: by request.cancel, or because the daemon stops. */
  get reason(): 'E_CANCELLED' | 'E_DRAINING' | undefined {
    return this.#reason
  }
  cancel(reason: 'E_CANCELLED' | 'E_DRAINING'): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#wake?.()
  }
  /** One callback at a time; called at once when it is cancelled already. */
  onCancel(wake: () => void): void {
    this.#wake = wake
    if (this.#reason !== undefined) wake()
  }
}

/**
 * Waits for what `wait` returns, a promise of the writer thread, or until the request is cancelled: the writer is told
 * then, and until it has heard of it the wait counts against the session.
 * @param wait handed the name of the wait for Writer.cancelWait
 * @throws JankinsError E_TOO_MANY when the session has LIMITS.pipelinedMax waits, E_DRAINING when the daemon stops
 */
export async function park(call: Call, wait: (name: number) => Promise<void>): Promise<void> {
  const { session, services, cancellation } = call
  if (session.waitCount >= LIMITS.pipelinedMax.value)
    throw new JankinsError('E_TOO_MANY', { waits: LIMITS.pipelinedMax.value })
  session.isKnown = true
  session.waitCount++
  const name = ++session.lastWait
  const over = wait(name).finally(() => session.waitCount--)
  const cancelled = new Promise<'cancelled'>(resolve => cancellation.onCancel(() => resolve('cancelled')))
  if ((await Promise.race([over, cancelled])) === 'cancelled') {
    services.writer
      .cancelWait(session.connection, name)
      .catch(error => services.log.error('a wait was not cancelled', { connection: session.connection }, error))
  }
  if (cancellation.reason === 'E_DRAINING') throw new JankinsError('E_DRAINING')
}
