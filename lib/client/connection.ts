import { JankinsError } from '../../protocol/errors.js'
import type { Role } from '../../protocol/fields.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Method, Params, Result } from '../../protocol/methods.js'
import type { Clock } from '../base/clock.js'
import type { Address, Dial, Security, Wire } from '../base/wire.js'
import { formatAddress } from './address.js'
import { authenticate, type Call, type LearnedKeys, type Login } from './authenticate.js'
import { Calls, ConnectionLostError } from './calls.js'
import { mayRide } from './ride.js'

export { ConnectionLostError }

/** One authenticated connection. Calls may be made at any time; their replies come in any order. */
export interface Client {
  readonly role: Role
  /** Largest frame that the daemon receives, bytes. */
  readonly frameBytesMax: number
  /** Most bytes of a log or an archive in one request or one reply; a request is a frame, too. */
  readonly chunkBytesMax: number
  /** Added to the own clock it gives the daemon's, ms; as exact as half a round trip. */
  readonly clockOffsetMs: number
  /**
   * Sends a request and resolves with its checked result. `cancel` sends request.cancel; the reply is still waited for.
   * Requests beyond the pipelining limit of the protocol wait here, in order.
   * @throws JankinsError that the daemon answered with; E_FRAME_TOO_LARGE for a request that it would refuse unread
   * @throws ConnectionLostError when the connection ended first: whether the request was carried out is unknown
   */
  call<M extends Method>(method: M, params: Params<M>, options?: { readonly cancel?: AbortSignal }): Promise<Result<M>>
  /** Calls without a reply. */
  readonly openCount: number
  /** Resolves when the connection has ended: with the error that ended it, or undefined after close() and destroy(). */
  readonly closed: Promise<Error | undefined>
  /** Sends what was called and ends the connection; calls without a reply are lost. */
  close(): void
  destroy(): void
}

export interface ConnectOptions {
  readonly dial: Dial
  readonly address: Address
  readonly login: Login
  /** How the daemon is known; without it only a daemon on this machine is. */
  readonly security?: Security | undefined
  readonly clock: Clock
  /** From the dial to the end of the authentication, ms; 10 s by default. */
  readonly timeoutMs?: number
  /** Told what a password was turned into, once both sides are proven. */
  readonly onKeys?: (learned: LearnedKeys) => void
}

const CONNECT_MS = 10_000

/** A connection that is being made. */
export interface Connecting {
  /** Rejects as `connect` does. */
  readonly ready: Promise<Client>
  /**
   * As Client.call; may be called before the connection is ready. The first request rides along with the last message
   * of the authentication when it is small and carries no secret, and saves its round trip; its result is believed when
   * the daemon has proven itself. Others wait for that.
   */
  call: Client['call']
  /** Counts up with every byte that comes. */
  readonly heardBytes: number
  /** Ends the connection, ready or not. */
  destroy(): void
}

/** Dials, and proves both sides by SCRAM. */
export function startConnecting(options: ConnectOptions): Connecting {
  let rider: ((calls: Calls) => void) | undefined
  let hasLeft: boolean = false
  const attempt = attemptTo(options, calls => {
    hasLeft = true
    rider?.(calls)
  })
  const { ready, destroy } = attempt
  return {
    ...{ ready, destroy },
    get heardBytes() {
      return attempt.heardBytes()
    },
    async call<M extends Method>(method: M, params: Params<M>, callOptions?: { readonly cancel?: AbortSignal }) {
      let result: Promise<Result<M>> | undefined
      if (!hasLeft && !rider && mayRide(method, params))
        rider = calls => {
          result = calls.call(method, params, callOptions?.cancel)
          result.catch(() => {})
        }
      const client = await ready
      return await (result ?? client.call(method, params, callOptions))
    },
  }
}

/**
 * Dials, proves both sides by SCRAM, resolves when requests may be sent.
 * @throws JankinsError E_AUTH, E_VERSION, or what else the daemon refused the connection with
 * @throws ConnectionLostError when there is no way through, or not within timeoutMs
 */
export const connect = (options: ConnectOptions): Promise<Client> => startConnecting(options).ready

function attemptTo(
  options: ConnectOptions,
  onProof: (calls: Calls) => void,
): { readonly ready: Promise<Client>; heardBytes(): number; destroy(): void } {
  const { address, clock, timeoutMs = CONNECT_MS } = options
  let giveUp: (error: ConnectionLostError) => void = () => {}
  let calls: Calls | undefined
  const ready = new Promise<Client>((resolve, reject) => {
    let late: ConnectionLostError | undefined
    giveUp = error => {
      late ??= error
      timer.cancel()
      calls?.destroy()
      reject(late)
    }
    const timer = clock.after(timeoutMs, () =>
      giveUp(new ConnectionLostError(`${formatAddress(address)} did not answer within ${timeoutMs} ms`)),
    )
    dialled(options)
      .then(({ bindings, calls: made }) => {
        calls = made
        if (late) made.destroy()
        return open(made, bindings, options, () => onProof(made))
      })
      .then(resolve, reject)
      .finally(() => timer.cancel())
  })
  ready.catch(() => {})
  return {
    ready,
    heardBytes: () => calls?.heardBytes ?? 0,
    destroy: () => giveUp(new ConnectionLostError('the connection to the daemon is closed')),
  }
}

interface Dialled {
  readonly calls: Calls
  readonly bindings: Wire['bindings']
}

async function dialled({ dial, address, security }: ConnectOptions): Promise<Dialled> {
  try {
    const wire = await dial(address, security)
    return { calls: new Calls(wire, LIMITS.frameBytesBeforeAuth.value), bindings: wire.bindings }
  } catch (cause) {
    throw new ConnectionLostError(`cannot reach ${formatAddress(address)}`, { cause })
  }
}

async function open(
  calls: Calls,
  bindings: Wire['bindings'],
  { clock, login, onKeys }: ConnectOptions,
  onProof: () => void,
): Promise<Client> {
  try {
    const startedAtMs = clock.nowMs()
    const call: Call = (method, params) => calls.call(method, params)
    const { session, learned } = await authenticate(call, login, bindings, onProof)
    if (learned) onKeys?.(learned)
    calls.ready(session.frameBytesMax)
    return {
      role: session.role,
      frameBytesMax: session.frameBytesMax,
      chunkBytesMax: Math.min(session.chunkBytesMax ?? LIMITS.chunkBytesMin.value, LIMITS.chunkBytesMax.value),
      clockOffsetMs: Math.round(session.nowMs - (startedAtMs + clock.nowMs()) / 2),
      call: (method, params, options) => calls.call(method, params, options?.cancel),
      get openCount() {
        return calls.openCount
      },
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
