import { JankinsError } from '../../protocol/errors.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Method, Params, Result } from '../../protocol/methods.js'
import { sleep, type Timer } from '../base/clock.js'
import type { Dial } from '../base/wire.js'
import { type Connecting, ConnectionLostError, type ConnectOptions, startConnecting } from './connection.js'

/**
 * A client that makes a new connection when one breaks, and asks again. Safe because every request of the protocol may
 * be sent twice: its key, lease or offset makes the second one the same as the first.
 */
export interface ResilientClient {
  /** Largest frame that the daemon receives, bytes; the least that any daemon takes until the first connection is there. */
  readonly frameBytesMax: number
  /** As Client.chunkBytesMax, of the last connection; what every daemon takes until the first one is there. */
  readonly chunkBytesMax: number
  /** As Client.clockOffsetMs, of the last connection; 0 until the first one is there. */
  readonly clockOffsetMs: number
  /** Resolves when the first connection is there. @throws what connect throws */
  readonly ready: Promise<void>
  /** As Client.call; rejects with ConnectionLostError once nothing got through for `retryMs`. */
  call<M extends Method>(method: M, params: Params<M>, options?: CallOptions): Promise<Result<M>>
  close(): void
}

export interface CallOptions {
  readonly cancel?: AbortSignal
  /** How long the daemon may leave the request parked, ms: what answers much later than that counts as broken. */
  readonly waitMs?: number
}

export interface ResilientOptions extends ConnectOptions {
  /** How long a lost connection is tried again, ms. */
  readonly retryMs?: number
  /** How long a first connection that was taken and lost is tried again, ms. */
  readonly firstMs?: number
  /** How long errors are tried again that may pass by themselves, ms. */
  readonly busyMs?: number
  /** Told once for every connection that is lost. */
  readonly onLost?: (error: Error) => void
}

/** As long as a default lease: a job outlives a daemon that is away for so long, and so does who waits for it. */
const RETRY_MS = 60_000
/** A restart takes a second or two; what takes every connection and never answers is no jankinsd. */
const FIRST_MS = 30_000
const BUSY_MS = 10_000
const ANSWER_MS = 30_000
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 2_000

/** These pass while one waits; a full disk or a name that is taken is for a person to mend. */
const PASSING: ReadonlySet<string> = new Set(['E_BUSY', 'E_TOO_MANY'])

/**
 * Connects; the first connection is tried once, so that a mistake in the address is told at once.
 * @throws what connect throws
 */
export async function connectResilient(options: ResilientOptions): Promise<ResilientClient> {
  const client = startResilient(options)
  await client.ready
  return client
}

/** The same without waiting for the connection: what is called at once may ride along with the authentication. */
export function startResilient(options: ResilientOptions): ResilientClient {
  const { clock, retryMs = RETRY_MS, firstMs = FIRST_MS, busyMs = BUSY_MS } = options
  let current: Connecting | undefined
  let closed: boolean = false
  let upAtMs: number | undefined
  let wasReached: boolean = false
  const dial: Dial = async (...where) => {
    const wire = await options.dial(...where)
    wasReached = true
    return wire
  }
  let frameBytesMax: number = LIMITS.frameBytesMin.value
  let chunkBytesMax: number = LIMITS.chunkBytesMin.value
  let clockOffsetMs = 0

  /** Dials when there is none; callers that lost the same one share the new one. */
  const connecting = (): Connecting => {
    if (closed) throw new ConnectionLostError('the client was closed')
    if (current) return current
    const made = startConnecting({ ...options, dial })
    current = made
    made.ready.then(
      client => {
        upAtMs = clock.monotonicMs()
        frameBytesMax = client.frameBytesMax
        chunkBytesMax = client.chunkBytesMax
        clockOffsetMs = client.clockOffsetMs
      },
      error => drop(made, error),
    )
    return made
  }

  /** The next try makes another one: dialled then and not before, so that it is not an old answer that is looked at. */
  const drop = (broken: Connecting, error: Error): void => {
    if (current !== broken || closed) return
    current = undefined
    broken.destroy()
    if (upAtMs !== undefined) options.onLost?.(error)
  }

  const once = async <M extends Method>(method: M, params: Params<M>, call: CallOptions): Promise<Result<M>> => {
    const used = connecting()
    const silence = endSilent(used, (call.waitMs ?? 0) + ANSWER_MS)
    try {
      return await used.call(method, params, call)
    } catch (error) {
      if (isLost(error)) drop(used, error)
      throw error
    } finally {
      silence.cancel()
    }
  }

  /**
   * A daemon that went away without a word (power, a cable) leaves a request unanswered for ever. On a slow line one
   * answer may take as long, and something comes all the time.
   */
  const endSilent = (used: Connecting, silentMs: number): Timer => {
    const heardBytes = used.heardBytes
    let timer = clock.after(silentMs, () => {
      if (used.heardBytes === heardBytes) used.destroy()
      else timer = endSilent(used, silentMs)
    })
    return { cancel: () => timer.cancel() }
  }

  /** A daemon that took the first connection and lost it is one that stops: another may be there in a moment. */
  const whileFirstMs = (error: unknown): number => (wasReached && isLost(error) ? firstMs : 0)
  const laterMs = (error: unknown): number =>
    isLost(error) || isThrottled(error) ? retryMs : passes(error) ? busyMs : 0

  const ready = connecting().ready.then(() => {})
  ready.catch(() => {})
  return {
    ready,
    get frameBytesMax() {
      return frameBytesMax
    },
    get chunkBytesMax() {
      return chunkBytesMax
    },
    get clockOffsetMs() {
      return clockOffsetMs
    },
    async call(method, params, call = {}) {
      let failedAtMs: number | undefined
      for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
        try {
          return await once(method, params, call)
        } catch (error) {
          // A parked request may well outlast more than one daemon: what counts is how long none could be reached.
          if (failedAtMs === undefined || ((call.waitMs ?? 0) > 0 && (upAtMs ?? 0) >= failedAtMs))
            failedAtMs = clock.monotonicMs()
          const allowedMs = upAtMs === undefined ? whileFirstMs(error) : laterMs(error)
          if (closed || clock.monotonicMs() - failedAtMs + pauseMs > allowedMs) throw error
          await sleep(clock, pauseMs, call.cancel)
        }
      }
    },
    close() {
      closed = true
      current?.destroy()
    },
  }
}

const isLost = (error: unknown): error is Error =>
  error instanceof ConnectionLostError || (error instanceof JankinsError && error.code === 'E_DRAINING')

/** Somebody else at this address guesses passwords: the daemon is as good as away for a while. */
const isThrottled = (error: unknown): boolean => error instanceof JankinsError && error.code === 'E_THROTTLED'

const passes = (error: unknown): boolean => error instanceof JankinsError && PASSING.has(error.code)
