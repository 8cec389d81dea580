import { Buffer } from 'node:buffer'
import { type Client, connect } from '../../lib/client/connection.js'
import type { JobId, LeaseId } from '../../protocol/ids.js'
import { type Name, parseInstanceId, parseName } from '../../protocol/ids.js'
import type { KeyLogin } from '../helpers/daemon.js'
import type { Network } from './network.js'
import { Actor, MachineTime, type World } from './world.js'

export interface GhostParts {
  readonly world: World
  readonly network: Network
  readonly login: KeyLogin
  /** Tokens that were good once, each with its job and with the length of its stdout at the daemon. */
  stale(): readonly { readonly job: JobId; readonly lease: LeaseId; readonly bytes: number }[]
  onFault(what: string): void
  /** Told when a token was tried with every request. */
  onTried(): void
}

/** What no job has: where one of these turns up, a stale token has changed something. */
export const GHOST = { exitCode: 213, pid: 2 ** 30, data: Buffer.from('boo\n') } as const
const PAUSE_MS_MAX = 1_500

/** A worker that should be dead: says with every stale token all that a worker can say. */
export class Ghost {
  readonly #parts: GhostParts
  readonly #actor = new Actor('ghost', new MachineTime('ghost', 1_000))
  #client: Client | undefined

  constructor(parts: GhostParts) {
    this.#parts = parts
  }

  /** Goes on for so long. */
  start(untilMs: number): void {
    this.#haunt(untilMs).catch(error => this.#parts.onFault(`the ghost failed: ${String(error)}`))
  }

  async #haunt(untilMs: number): Promise<void> {
    const { world } = this.#parts
    while (world.nowMs < untilMs) {
      await world.pause(world.random.int(100, PAUSE_MS_MAX), this.#actor)
      const stale = this.#parts.stale()
      if (stale.length === 0) continue
      const { job, lease, bytes } = world.random.pick(stale)
      try {
        await this.#say(await this.#attached(), job, lease, bytes)
      } catch {
        this.#client?.destroy()
        this.#client = undefined
      }
    }
    this.#client?.close()
  }

  async #attached(): Promise<Client> {
    if (this.#client) return this.#client
    const { world, network, login } = this.#parts
    const address = { host: 'simulated', port: 5265 }
    const clock = world.clockOf(this.#actor)
    const client = await connect({ dial: network.dialFrom(this.#actor), address, login, clock })
    this.#client = client
    void client.closed.then(() => {
      this.#client = undefined
    })
    const instance = parseInstanceId(world.random.hex(16))
    if (!instance) throw new Error('no instance id')
    await client.call('worker.attach', {
      worker: parseName('ghost') as Name,
      instance,
      labels: [],
      slots: 1,
      version: '0',
    })
    return client
  }

  async #say(client: Client, job: JobId, lease: LeaseId, offset: number): Promise<void> {
    const { exitCode, pid, data } = GHOST
    const nothing = { bytes: 0, crc32: 0 }
    await this.#refused('job.acknowledge', lease, client.call('job.acknowledge', { job, lease }))
    await this.#refused('job.resume', lease, client.call('job.resume', { job, lease }))
    await this.#refused('job.started', lease, client.call('job.started', { job, lease, pid }))
    await this.#refused('job.append', lease, client.call('job.append', { job, lease, part: 'stdout', offset, data }))
    const { lost } = await client.call('worker.beat', { leases: [lease], free: 0, load: 0 })
    if (!lost.includes(lease)) this.#parts.onFault(`the stale token ${lease} was renewed by a beat`)
    // Who has told the end of this attempt may tell it again: then it is the row that must not have changed.
    await client.call('job.finish', { job, lease, exitCode, stdout: nothing, stderr: nothing }).catch(() => {})
    this.#parts.onTried()
  }

  async #refused(method: string, lease: LeaseId, call: Promise<unknown>): Promise<void> {
    const isTaken = await call.then(
      () => true,
      () => false,
    )
    if (isTaken) this.#parts.onFault(`${method} was answered to the stale token ${lease}`)
  }
}
