import { JankinsError } from '../../protocol/errors.js'
import type { Role } from '../../protocol/fields.js'
import type { Name } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Method, Params, Result } from '../../protocol/methods.js'
import type { ScramKeys } from '../../protocol/scram.js'
import type { Clock } from '../base/clock.js'
import type { Address, Dial } from '../base/wire.js'
import { formatAddress } from './address.js'
import { authenticate, type LearnedKeys } from './authenticate.js'
import { Calls, ConnectionLostError } from './calls.js'

export { ConnectionLostError }

/** One authenticated connection. Calls may be made at any time; their replies come in any order. */
export interface Client {
  readonly role: Role
  /** Largest frame that the daemon receives, bytes. */
  readonly frameBytesMax: number
  /** Added to the own clock it gives the daemon's, ms; as exact as half a round trip. */
  readonly clockOffsetMs: number
  /**
   * Sends a request and resolves with its checked result. `cancel` sends request.cancel; the reply is still waited for.
   * Requests beyond the pipelining limit of the protocol wait here, in order.
   * @throws JankinsError that the daemon answered with; E_FRAME_TOO_LARGE for a request that it would refuse unread
   * @throws ConnectionLostError when the connection ended first: whether the request was carried out is unknown
   */
  call<M extends Method>(method: M, params: Params<M>, options?: { readonly cancel?: AbortSignal }): Promise<Result<M>>
  /** Resolves when the connection has ended: with the error that ended it, or undefined after close() and destroy(). */
  readonly closed: Promise<Error | undefined>
  /** Sends what was called and ends the connection; calls without a reply are lost. */
  close(): void
  destroy(): void
}

/** A password costs PBKDF2 on every connection, derived keys do not. */
export type Login =
  | { readonly user: Name; readonly password: string }
  | { readonly user: Name; readonly salt: Uint8Array; readonly iterations: number; readonly keys: ScramKeys }

export interface ConnectOptions {
  readonly dial: Dial
  readonly address: Address
  readonly login: Login
  readonly clock: Clock
  /** From the dial to the end of the authentication, ms; 10 s by default. */
  readonly timeoutMs?: number
  /** Told what a password was turned into, once both sides are proven. */
  readonly onKeys?: (learned: LearnedKeys) => void
}

const CONNECT_MS = 10_000

/**
 * Dials, proves both sides by SCRAM, resolves when requests may be sent.
 * @throws JankinsError E_AUTH, E_VERSION, or what else the daemon refused the connection with
 * @throws ConnectionLostError when there is no way through, or not within timeoutMs
 */
export function connect(options: ConnectOptions): Promise<Client> {
  const { address, clock, timeoutMs = CONNECT_MS } = options
  return new Promise((resolve, reject) => {
    let late: ConnectionLostError | undefined
    let calls: Calls | undefined
    const timer = clock.after(timeoutMs, () => {
      late = new ConnectionLostError(`${formatAddress(address)} did not answer within ${timeoutMs} ms`)
      calls?.destroy()
      reject(late)
    })
    dialled(options)
      .then(made => {
        calls = made
        if (late) made.destroy()
        return open(made, options)
      })
      .then(resolve, reject)
      .finally(() => timer.cancel())
  })
}

async function dialled({ dial, address }: ConnectOptions): Promise<Calls> {
  try {
    return new Calls(await dial(address), LIMITS.frameBytesBeforeAuth.value)
  } catch (cause) {
    throw new ConnectionLostError(`cannot reach ${formatAddress(address)}`, { cause })
  }
}

async function open(calls: Calls, { clock, login, onKeys }: ConnectOptions): Promise<Client> {
  try {
    const startedAtMs = clock.nowMs()
    const { session, learned } = await authenticate((method, params) => calls.call(method, params), login)
    onKeys?.(learned)
    calls.ready(session.frameBytesMax)
    return {
      role: session.role,
      frameBytesMax: session.frameBytesMax,
      clockOffsetMs: Math.round(session.nowMs - (startedAtMs + clock.nowMs()) / 2),
      call: (method, params, options) => calls.call(method, params, options?.cancel),
      closed: calls.closed,
      close: () => calls.close(),
      destroy: () => calls.destroy(),
    }
  } catch (error) {
    calls.destroy()
    // What the daemon said of the connection as a whole is the better answer: too many connections, a bad frame.
    throw error instanceof ConnectionLostError && error.cause instanceof JankinsError ? error.cause : error
  }
}
