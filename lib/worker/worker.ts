import { type InstanceId, type Name, parseInstanceId } from '../../protocol/ids.js'
import { assert } from '../base/assert.js'
import { type Clock, sleep } from '../base/clock.js'
import type { Log } from '../base/log.js'
import type { Address, Dial, Security } from '../base/wire.js'
import type { Login } from '../client/authenticate.js'
import { ConnectionLostError } from '../client/connection.js'
import { Claims, type Offer, type Served } from './claims.js'
import { Crew } from './crew.js'
import { createLink, isCode } from './link.js'
import { guardOrphan } from './orphans.js'
import type { JobEnd } from './outcome.js'
import type { Machine } from './ports.js'
import { roomForMore } from './room.js'

export interface WorkerServer {
  readonly address: Address
  readonly login: Login
  readonly security?: Security | undefined
  /** 1 and up: its part of this worker's time. */
  readonly weight: number
}

/** `once` asks once, or parks until there is a job; `poll` stays disconnected between its rounds. */
export type WorkerMode =
  | { readonly kind: 'loop' }
  | { readonly kind: 'once'; readonly wait: boolean }
  | { readonly kind: 'poll'; readonly everyMs: number }

export interface WorkerOptions {
  readonly servers: readonly WorkerServer[]
  readonly name: Name
  readonly labels: readonly Name[]
  /** Jobs at once. */
  readonly slots: number
  readonly mode: WorkerMode
  readonly machine: Machine
  readonly dial: Dial
  readonly clock: Clock
  readonly log: Log
  /** Of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Fires: no new job, return when the running ones have ended. */
  readonly drain: AbortSignal
  /** Fires: stop the running jobs too. */
  readonly stop: AbortSignal
  /** Told when a server has taken the end of a job. */
  onEnd?(end: JobEnd): void
}

/** `job`: whether any was run. Errors that no server could be reached with are thrown in the mode `once` only. */
export type WorkerResult =
  | { readonly kind: 'done'; readonly ranJob: boolean }
  | { readonly kind: 'refused'; readonly error: Error }

/** A one-shot worker may follow another one of its name so closely that the daemon has not seen the first one go. */
const NAME_TAKEN_TRIES = 12
const NAME_TAKEN_PAUSE_MS = 250

/**
 * Runs jobs of the servers on this machine, first those that an earlier process of this worker left.
 * Resolves when it has nothing left to do: drained, or `once` done. `refused`: no server let it in.
 */
export async function runWorker(options: WorkerOptions): Promise<WorkerResult> {
  const { clock, drain, stop, mode, machine, log } = options
  const instance = parseInstanceId(machine.random(16))
  assert(instance, 'an instance id is 32 hex digits')
  const crew = new Crew(options)
  const interrupt = new Interrupt()
  const claims = new Claims(clock, log, machine.random)
  const over = new AbortController()
  const context: Context = { options, crew, interrupt, claims, instance, spentMs: new Map(), over: over.signal }
  const onDrain = (): void => interrupt.fire()
  const onStop = (): void => crew.stopAll()
  drain.addEventListener('abort', onDrain, { once: true })
  stop.addEventListener('abort', onStop, { once: true })
  try {
    for (let isFirst = true; ; isFirst = false) {
      const result = await connectAndWork(context, isFirst)
      if (mode.kind !== 'poll' || drain.aborted || (result.kind === 'refused' && isFinal(result.error))) return result
      await sleep(clock, mode.everyMs, drain).catch(() => {})
      if (drain.aborted) return { kind: 'done', ranJob: crew.hasRun }
    }
  } finally {
    over.abort()
    drain.removeEventListener('abort', onDrain)
    stop.removeEventListener('abort', onStop)
  }
}

interface Context {
  readonly options: WorkerOptions
  readonly crew: Crew
  readonly interrupt: Interrupt
  readonly claims: Claims
  readonly instance: InstanceId
  /** Slot time by server, of the jobs that have ended. */
  readonly spentMs: Map<WorkerServer, number>
  /** Fires when this process has nothing left to do. */
  readonly over: AbortSignal
}

/** From connecting to closing the connections: the whole life of a looping worker, one round of a polling one. */
async function connectAndWork(context: Context, isFirst: boolean): Promise<WorkerResult> {
  const { options, crew } = context
  const { stop, log } = options
  /** Stopped jobs are not to wait for servers that are away. */
  const leaveAway = (): void => {
    if (!stop.aborted) return
    for (const served of servers.filter(({ link }) => !link.isUp)) {
      const { link } = served
      if (crew.has(served))
        log.warn('the server is away: how its jobs end is for the next process to tell', { server: link.server })
      link.close()
    }
  }
  const servers = options.servers.map(server => serve(context, server, leaveAway))
  stop.addEventListener('abort', leaveAway, { once: true })
  try {
    // First, so that a server that is away now is tried again for the jobs that are left of it.
    if (isFirst) await adoptAll(context, servers)
    const refused = connectAll(context, servers)
    const error = await (options.mode.kind === 'loop' ? loop(context, servers, refused) : refused)
    if (error) return { kind: 'refused', error }
    const lost = options.mode.kind === 'loop' ? undefined : await ask(context, servers)
    if (lost) return { kind: 'refused', error: lost }
    await crew.allEnded()
    return { kind: 'done', ranJob: crew.hasRun }
  } finally {
    stop.removeEventListener('abort', leaveAway)
    for (const { link } of servers) link.close()
  }
}

/** Takes jobs until it is drained. @returns the error when every server refused this worker for good */
async function loop(
  { options, crew, interrupt, claims }: Context,
  servers: readonly Served[],
  refused: Promise<Error | undefined>,
): Promise<Error | undefined> {
  const { drain } = options
  let refusal: Error | undefined
  void refused.then(error => {
    refusal = error
    interrupt.fire()
  })
  while (!drain.aborted) {
    await roomForMore(options.machine, options.clock, options.log, drain)
    const { signal } = interrupt
    if (refusal) return refusal
    if (crew.free === 0) await crew.nextEnd(drain)
    else if (!servers.some(({ link }) => link.isUp)) await fired(signal)
    else {
      const first = servers.length > 1 ? await claims.ask(servers, signal) : undefined
      if (first) crew.take(first)
      else for (const offer of await claims.park(servers, signal)) await takeOrDecline(offer, drain, crew, claims)
    }
  }
  return undefined
}

async function takeOrDecline(offer: Offer, drain: AbortSignal, crew: Crew, claims: Claims): Promise<void> {
  if (crew.free > 0 && !drain.aborted) crew.take(offer)
  else await claims.decline(offer)
}

/** One job at most, or for a polling worker all that there are. @returns the error when the connections were lost */
async function ask(context: Context, servers: readonly Served[]): Promise<Error | undefined> {
  const { options, crew, interrupt, claims } = context
  const { mode, drain } = options
  // What an earlier process left is the one job.
  if (mode.kind === 'once' && crew.busy > 0) return undefined
  const isParking = mode.kind === 'once' && mode.wait
  while (!drain.aborted) {
    await roomForMore(options.machine, options.clock, options.log, drain)
    if (crew.free === 0 && mode.kind === 'poll') {
      await crew.nextEnd(drain)
      continue
    }
    const [offer, ...more] = isParking
      ? await claims.park(servers, interrupt.signal)
      : [await claims.ask(servers, interrupt.signal)]
    for (const other of more) if (other) await claims.decline(other)
    if (offer && drain.aborted) await claims.decline(offer)
    else if (offer) crew.take(offer)
    if (mode.kind === 'poll' && (offer || crew.busy > 0)) {
      if (!offer) await nextEndOrRound(context, mode.everyMs)
    } else if (offer || !isParking) return undefined
    else if (!servers.some(({ link }) => link.isUp)) return new ConnectionLostError('the connection was lost')
  }
  return undefined
}

/** A job that takes long, or waits for a server that is away, does not keep the other slots from their rounds. */
async function nextEndOrRound({ options, crew }: Context, everyMs: number): Promise<void> {
  const round = new AbortController()
  const timer = options.clock.after(everyMs, () => round.abort())
  await crew.nextEnd(AbortSignal.any([options.drain, round.signal]))
  timer.cancel()
}

function serve(context: Context, server: WorkerServer, onLinkChange: () => void): Served {
  const { options, crew, instance, interrupt, spentMs } = context
  const link = createLink({
    ...options,
    address: server.address,
    login: server.login,
    security: server.security,
    worker: options.name,
    instance,
    free: () => crew.free,
    onChange() {
      interrupt.fire()
      onLinkChange()
    },
  })
  const settled = (): number => spentMs.get(server) ?? 0
  const served: Served = {
    link,
    share: () => ({ weight: server.weight, spentMs: settled() + crew.spentNowMs(served) }),
    spend: ms => void spentMs.set(server, settled() + ms),
  }
  return served
}

/**
 * Opens every link. In a loop it resolves, with the last error, only when every server has refused this worker for
 * good; otherwise when each has been tried, with an error when none is up and no job is left to be told to one. A round
 * may take as long as its jobs: what is away at its beginning is tried again meanwhile.
 */
async function connectAll({ options, crew }: Context, servers: readonly Served[]): Promise<Error | undefined> {
  const { mode, clock, log, drain } = options
  const errors = await Promise.all(
    servers.map(async served => {
      const { link } = served
      for (let tries = 1; ; tries++) {
        try {
          await link.open()
          link.keepOpen()
          return undefined
        } catch (error) {
          const cause = (error as Error).message
          if (isFinal(error)) log.error('the server refused this worker', { server: link.server, cause })
          else if (mode.kind === 'loop' || crew.has(served)) {
            log.warn('cannot connect; going on trying', { server: link.server, cause })
            link.keepOpen()
            return undefined
          } else if (isCode(error, 'E_WORKER_NAME_TAKEN') && tries < NAME_TAKEN_TRIES && !drain.aborted) {
            await sleep(clock, NAME_TAKEN_PAUSE_MS)
            continue
          } else log.warn('cannot connect', { server: link.server, cause })
          return error as Error
        }
      }
    }),
  )
  if (errors.every(error => error !== undefined)) return errors.at(-1)
  for (const [index, { link }] of servers.entries()) if (errors[index] && !isFinal(errors[index])) link.keepOpen()
  return undefined
}

async function adoptAll({ options, crew, over }: Context, servers: readonly Served[]): Promise<void> {
  for (const files of await options.machine.attempts.list()) {
    const { server, user } = files.record
    const served = servers.find(({ link }) => link.server === server && link.user === user)
    if (served) crew.adopt(files, served)
    else
      guardOrphan({ ...options, files }, over).catch(error => {
        if (!over.aborted) options.log.error('a job could not be looked after', { job: files.record.grant.job }, error)
      })
  }
}

/** No later try can end otherwise, unless a person does something. */
const isFinal = (error: unknown): boolean => FINAL.some(code => isCode(error, code))
const FINAL = ['E_AUTH', 'E_FORBIDDEN', 'E_VERSION'] as const

/** Ends what the worker waits for: a connection came or went, or it is to drain. */
class Interrupt {
  #controller = new AbortController()
  /** Fires once; ask for the next one before looking at what may change. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }
  fire(): void {
    const fired = this.#controller
    this.#controller = new AbortController()
    fired.abort()
  }
}

const fired = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
