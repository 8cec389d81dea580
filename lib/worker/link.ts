import { JankinsError } from '../../protocol/errors.js'
import type { InstanceId, JobId, LeaseId, Name } from '../../protocol/ids.js'
import { HEARTBEAT_MS } from '../../protocol/limits.js'
import type { Method, Params, Result } from '../../protocol/methods.js'
import { JANKINS_VERSION } from '../../protocol/version.js'
import { type Clock, sleep, type Timer } from '../base/clock.js'
import type { Log } from '../base/log.js'
import type { Address, Dial, Security } from '../base/wire.js'
import { formatAddress } from '../client/address.js'
import type { Login } from '../client/authenticate.js'
import { type Client, ConnectionLostError, connect } from '../client/connection.js'
import { createBulk } from './bulk.js'
import type { Machine } from './ports.js'

/** Who is told what a server says about a lease. */
export interface LeaseHolder {
  readonly job: JobId
  readonly lease: LeaseId
  /** The server has renewed it by a request that was sent at this time on the boot clock. */
  renew(sentAtBootMs: number): void
  /** The job is to be stopped. May be called again and again. */
  stop(): void
  /** The lease is another's, or nobody's: the job has to end. */
  lose(): void
}

export interface LinkOptions {
  readonly dial: Dial
  readonly address: Address
  readonly login: Login
  readonly security: Security | undefined
  readonly clock: Clock
  readonly log: Log
  readonly machine: Machine
  readonly worker: Name
  readonly instance: InstanceId
  readonly labels: readonly Name[]
  readonly slots: number
  /** Slots without a job just now. */
  free(): number
  /** The connection is up and every lease is resumed, or it is down. */
  onChange?(): void
}

/** One server: its attached connection, kept up while the link is open, its beats, and one connection for bulk bytes. */
export interface Link {
  /** host:port */
  readonly server: string
  readonly user: Name
  readonly isUp: boolean
  /** Connects once. @throws what connect throws, or E_WORKER_NAME_TAKEN, E_FORBIDDEN */
  open(): Promise<void>
  /** Connects, and again whenever the connection is lost, until `close`. */
  keepOpen(): void
  /** Resolves when the connection is up. Rejects once the link is closed. */
  ready(): Promise<Client>
  hold(holder: LeaseHolder): void
  release(holder: LeaseHolder): void
  /**
   * Asks until there is an answer: again after a lost connection, after errors that pass by themselves, and after
   * E_INTERNAL where the result of a job hangs on the answer; or until `enough` fires: then the last such error is thrown.
   * @throws JankinsError of the other kind; ConnectionLostError once the link is closed
   */
  insist<M extends Method>(
    method: M,
    params: Params<M>,
    client?: () => Promise<Client>,
    enough?: AbortSignal,
  ): Promise<Result<M>>
  /** The connection for bulk bytes, on which `holder` holds its lease too; opened when it is first needed. */
  bulk(holder: LeaseHolder): Promise<Client>
  close(): void
}

const BACKOFF_MS_MIN = 100
/** With the jitter below: 1 to 2 s between the tries of a worker whose server is away for long. */
const BACKOFF_MS_MAX = 2_000
/** A server that fails inside may fail for long, and writes an incident into its log each time. */
const FAILED_MS_MAX = 30_000
/** The result of a job hangs on these: nothing but the loss of the lease gives it up. */
const KEEPS_RESULT: ReadonlySet<Method> = new Set<Method>(['job.resume', 'job.append', 'job.finish'])
/** A server that answers no beat for so long is as good as gone: half-open connections tell nobody. */
const SILENCE_MS_MAX = 4 * HEARTBEAT_MS + 500

export function createLink(options: LinkOptions): Link {
  const { clock, log, machine } = options
  const server = formatAddress(options.address)
  const holders = new Map<LeaseId, LeaseHolder>()
  const closing = new AbortController()
  let login = options.login
  let client: Client | undefined
  let waiting: { resolve: (client: Client) => void; reject: (error: Error) => void }[] = []

  const dialUp = (): Promise<Client> =>
    connect({
      dial: options.dial,
      address: options.address,
      security: options.security,
      login,
      clock,
      onKeys: keys => {
        login = { user: login.user, ...keys }
      },
    })

  const open = async (): Promise<Client> => {
    const fresh = await dialUp()
    try {
      await fresh.call('worker.attach', {
        worker: options.worker,
        instance: options.instance,
        labels: options.labels,
        slots: options.slots,
        version: JANKINS_VERSION,
      })
      await Promise.all([...holders.values()].map(holder => resume(fresh, holder)))
      if (closing.signal.aborted) throw new ConnectionLostError(`the link to ${server} is closed`)
    } catch (error) {
      fresh.destroy()
      throw error
    }
    client = fresh
    const beats = beat(fresh)
    void fresh.closed.then(error => {
      beats.cancel()
      client = undefined
      if (!closing.signal.aborted) log.warn('connection lost', { server, cause: error?.message })
      // The server takes no word of this account any more: what it says about these jobs it has said already.
      if (isCode(error, 'E_DISABLED')) for (const holder of holders.values()) holder.lose()
      options.onChange?.()
    })
    for (const { resolve } of waiting.splice(0)) resolve(fresh)
    options.onChange?.()
    return fresh
  }

  const resume = async (on: Client, holder: LeaseHolder): Promise<void> => {
    const sentAtBootMs = machine.bootClock.bootMs()
    try {
      const { stop } = await on.call('job.resume', { job: holder.job, lease: holder.lease })
      holder.renew(sentAtBootMs)
      if (stop) holder.stop()
    } catch (error) {
      if (!isCode(error, 'E_LEASE_LOST')) throw error
      holders.delete(holder.lease)
      holder.lose()
    }
  }

  /** Beats at fixed times, whether or not the one before was answered: a slow answer delays no beat. */
  const beat = (on: Client): Timer => {
    const startedAtMs = clock.monotonicMs()
    let answeredAtMs = startedAtMs
    let count = 0
    let timer: Timer
    const tick = (): void => {
      count = Math.max(count + 1, Math.ceil((clock.monotonicMs() - startedAtMs) / HEARTBEAT_MS))
      timer = clock.after(Math.max(1, startedAtMs + count * HEARTBEAT_MS - clock.monotonicMs()), tick)
      if (clock.monotonicMs() - answeredAtMs > SILENCE_MS_MAX) {
        on.destroy()
        return
      }
      void send().catch(error => {
        if (!(error instanceof ConnectionLostError)) log.error('a beat was refused', { server }, error)
        on.destroy()
      })
    }
    const send = async (): Promise<void> => {
      const sentAtBootMs = machine.bootClock.bootMs()
      const sent = [...holders.values()]
      const leases = sent.map(({ lease }) => lease)
      const { stop, lost } = await on.call('worker.beat', { leases, free: options.free(), load: machine.load() })
      answeredAtMs = clock.monotonicMs()
      for (const holder of sent)
        if (holders.has(holder.lease) && !lost.includes(holder.lease)) holder.renew(sentAtBootMs)
      for (const lease of stop) holders.get(lease)?.stop()
      for (const lease of lost) {
        const holder = holders.get(lease)
        if (holder) await resume(on, holder)
      }
    }
    tick()
    return { cancel: () => timer.cancel() }
  }

  const keepOpen = async (): Promise<void> => {
    let failures = 0
    while (!closing.signal.aborted) {
      try {
        const up = client ?? (await open())
        if (failures > 0) log.info('connected', { server })
        failures = 0
        await up.closed
      } catch (error) {
        if (failures === 0) log.warn('cannot connect; going on trying', { server, cause: (error as Error).message })
        failures++
        await sleep(clock, backoffMs(failures, machine), closing.signal).catch(() => {})
      }
    }
  }

  const ready = (): Promise<Client> => {
    if (client) return Promise.resolve(client)
    if (closing.signal.aborted) return Promise.reject(new ConnectionLostError(`the link to ${server} is closed`))
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
  }

  const bulk = createBulk(dialUp, clock)
  return {
    server,
    user: login.user,
    get isUp() {
      return client !== undefined
    },
    open: () => open().then(() => {}),
    keepOpen: () => void keepOpen(),
    ready,
    hold: holder => void holders.set(holder.lease, holder),
    release(holder) {
      holders.delete(holder.lease)
      bulk.forget(holder.lease)
    },
    async insist(method, params, from = ready, enough = undefined) {
      for (let failures = 0; ; ) {
        // Not before the server is back: what the bulk connection asks for needs the lease on the attached one first.
        await ready()
        try {
          return await (await from()).call(method, params)
        } catch (error) {
          const isTheirs = isCode(error, 'E_INTERNAL') && KEEPS_RESULT.has(method)
          if (!(passes(error) || isTheirs) || closing.signal.aborted || enough?.aborted) throw error
          if (isTheirs) log.warn('the server failed; trying again', { server, method })
          failures++
          const pause = enough ? AbortSignal.any([closing.signal, enough]) : closing.signal
          const pauseMs = backoffMs(failures, machine, isTheirs ? FAILED_MS_MAX : BACKOFF_MS_MAX)
          await sleep(clock, pauseMs, pause).catch(() => {})
        }
      }
    },
    bulk: holder => bulk.client(holder),
    close() {
      closing.abort()
      client?.close()
      bulk.close()
      for (const { reject } of waiting.splice(0)) reject(new ConnectionLostError(`the link to ${server} is closed`))
      waiting = []
    },
  }
}

/** Doubles up to the limit; a random part keeps workers that were cut off together from coming back together. */
function backoffMs(failures: number, machine: Machine, msMax = BACKOFF_MS_MAX): number {
  const fullMs = Math.min(msMax, BACKOFF_MS_MIN * 2 ** (failures - 1))
  return fullMs * (0.5 + Number.parseInt(machine.random(2), 16) / 0x20000)
}

export const isCode = (error: unknown, code: JankinsError['code']): boolean =>
  error instanceof JankinsError && error.code === code

const passes = (error: unknown): boolean =>
  error instanceof ConnectionLostError ||
  (error instanceof JankinsError && (error.retry || error.code === 'E_NOT_ATTACHED'))
