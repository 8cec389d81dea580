import { Buffer } from 'node:buffer'
import { sendBundle } from '../../lib/client/bundle.js'
import { connectResilient, type ResilientClient } from '../../lib/client/resilient.js'
import { JankinsError } from '../../protocol/errors.js'
import { type JobId, type Name, parseName, type Sha256 } from '../../protocol/ids.js'
import type { KeyLogin } from '../helpers/daemon.js'
import { sha256Of } from './machine.js'
import type { Network } from './network.js'
import { Actor, MachineTime, type World } from './world.js'

export interface ClientParts {
  readonly world: World
  readonly network: Network
  readonly login: KeyLogin
  readonly actions: readonly string[]
  /** The daemon said that it has these jobs. */
  onQueued(key: string, jobs: readonly JobId[]): void
  onFault(what: string): void
}

/** Somebody who queues jobs, asks again when no answer comes, and sometimes stops one. */
export class SimClient {
  isDone: boolean = false
  readonly #parts: ClientParts
  readonly #name: string
  readonly #actor: Actor
  readonly #jobs: JobId[] = []

  constructor(parts: ClientParts, name: string) {
    this.#parts = parts
    this.#name = name
    this.#actor = new Actor(name, new MachineTime(name, 1_000))
  }

  /** Queues that many times within `withinMs`, for as long as it takes to get all the answers. */
  start(requestCount: number, withinMs: number): void {
    this.#work(requestCount, withinMs).catch(error => this.#parts.onFault(`${this.#name} failed: ${String(error)}`))
  }

  async #work(requestCount: number, withinMs: number): Promise<void> {
    const { world } = this.#parts
    let client: ResilientClient | undefined
    for (let request = 0; request < requestCount; request++) {
      await this.#pause(world.random.int(0, (2 * withinMs) / requestCount))
      const key = `${this.#name} request ${request}`
      const params = {
        action: parseName(world.random.pick(this.#parts.actions)) as Name,
        count: world.random.int(1, 2),
        key,
      }
      const bundle = world.random.chance(0.3) ? bundleOf(world.random.int(1, BUNDLES)) : undefined
      const order = bundle ? { ...params, bundle: bundle.sha256 } : params
      // Asked once more, now and then, as if the answer had been lost.
      for (let times = world.random.chance(0.2) ? 2 : 1; times > 0; ) {
        try {
          client ??= await this.#connect()
          if (bundle) await sendBundle(client, bundle)
          const { jobs } = await client.call('job.queue', order)
          this.#parts.onQueued(key, jobs)
          if (times === 1) this.#jobs.push(...jobs)
          times--
        } catch (error) {
          this.#judge(error)
          client = undefined
          await this.#pause(500)
        }
      }
      if (world.random.chance(0.2)) await this.#stopOne(client)
    }
    this.isDone = true
    client?.close()
  }

  async #stopOne(client: ResilientClient | undefined): Promise<void> {
    const { world } = this.#parts
    await this.#pause(world.random.int(0, 2_000))
    const job = world.random.pick(this.#jobs)
    // A stop that does not get through is the client's loss alone.
    await client?.call('job.stop', { job }).catch(error => this.#judge(error))
  }

  async #connect(): Promise<ResilientClient> {
    const { world, network, login } = this.#parts
    const address = { host: 'simulated', port: 5265 }
    const clock = world.clockOf(this.#actor)
    return await connectResilient({ dial: network.dialFrom(this.#actor), address, login, clock, retryMs: 5_000 })
  }

  #judge(error: unknown): void {
    if (error instanceof JankinsError && !EXPECTED.has(error.code))
      this.#parts.onFault(`${this.#name} was answered with ${error.code} ${JSON.stringify(error.detail)}`)
  }

  #pause(ms: number): Promise<void> {
    return this.#parts.world.pause(ms, this.#actor)
  }
}

/** Different files that travel with jobs: few, so that several clients send the same ones. */
const BUNDLES = 3
/** A few requests each. */
const BUNDLE_BYTES = 100_000

function bundleOf(number: number): { readonly zip: Buffer; readonly sha256: Sha256 } {
  const zip = Buffer.alloc(BUNDLE_BYTES, `files ${number} `)
  return { zip, sha256: sha256Of(zip) }
}

/** What a network that doubles and reorders may bring about, and a full disk. */
const EXPECTED: ReadonlySet<string> = new Set([
  'E_STORE_FULL',
  'E_BUSY',
  'E_TOO_MANY',
  'E_BAD_REQUEST',
  'E_BAD_FRAME',
  'E_NOT_AUTHENTICATED',
  // A disk that fails; what the daemon failed at without one is a fault that its log tells.
  'E_INTERNAL',
  'E_DRAINING',
])
