import type { Log } from '../../lib/base/log.js'
import type { Blobs } from '../../lib/blobs/blobs.js'
import type { Services } from '../../lib/server/connection/services.js'
import type { Session } from '../../lib/server/connection/session.js'
import { createLoginCounters, sharedLogins } from '../../lib/server/logins.js'
import { sharedMetrics } from '../../lib/server/metrics/metrics.js'
import { createLeaseSlots, createWorkerSlots } from '../../lib/server/shared-slots.js'
import type { LeaseSlots } from '../../lib/server/slots.js'
import { createWriter } from '../../lib/server/writer/create.js'
import type { Writer } from '../../lib/server/writer/writer.js'
import type { Store } from '../../lib/store/store.js'
import type { LeaseId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { serveWire } from '../helpers/memory-front.js'
import { type Disk, slowStore } from './disk.js'
import { type MemoryDisk, memoryBlobs } from './memory-blobs.js'
import type { Network } from './network.js'
import { Actor, MachineTime, type World } from './world.js'

/** Bytes of shared slots: room for more leases and workers than a simulation has. */
const SLOT_BYTES = 16_384
const RESTART_MS = 500
/** As long as a real one takes at most, and how often it looks whether all is answered. */
const DRAIN_MS = 4_000
const LOOK_MS = 20

/** How a test breaks the daemon on purpose: each part may be replaced by one that lacks something. */
export interface Broken {
  store?(store: Store, actor: Actor): Store
  slots?(slots: LeaseSlots): LeaseSlots
  blobs?(blobs: Blobs): Blobs
  writer?(writer: Writer, store: Store): Writer
}

export interface DaemonParts {
  readonly world: World
  readonly network: Network
  /** What outlives the process. */
  readonly store: Store
  readonly blobs: MemoryDisk
  readonly disk: Disk
  readonly log: Log
  readonly broken: Broken
  /** Told of each finish that a worker asks for. */
  onFinish(lease: LeaseId): void
  /** The process is gone. */
  onKill(): void
}

/** The daemon, one life after the other, on the same database and files. */
export class SimDaemon {
  actor: Actor
  readonly #parts: DaemonParts
  readonly #manager: Actor
  #connections = 0
  #wasCutOff: boolean = false
  #isDraining: boolean = false
  readonly #sessions = new Set<Session>()
  #stopWriter: () => void = () => {}

  constructor(parts: DaemonParts) {
    this.#parts = parts
    this.actor = new Actor('daemon', new MachineTime('daemon', 1_000))
    this.actor.isDead = true
    this.#manager = new Actor('service manager', this.actor.machine)
  }

  get isUp(): boolean {
    return !this.actor.isDead
  }

  start(): void {
    // Whoever waited for it to drain has lost patience.
    if (this.#isDraining) this.kill(false)
    if (this.isUp) return
    this.actor = new Actor('daemon', this.actor.machine)
    const { actor } = this
    this.#run(actor).catch(error => {
      this.#parts.log.error('the daemon did not start', {}, error)
      actor.isDead = true
      // As a service manager does.
      this.#parts.world.timer(RESTART_MS, this.#manager, () => this.start())
    })
  }

  /** kill -9, or with `isPowerLoss` the end of everything that was not synced. */
  kill(isPowerLoss: boolean): void {
    if (!this.isUp) return
    const { network, blobs, onKill } = this.#parts
    this.actor.isDead = true
    this.#isDraining = false
    this.#sessions.clear()
    network.listen(undefined)
    network.drop(this.actor, isPowerLoss)
    if (isPowerLoss) {
      this.#wasCutOff = true
      blobs.loseUnsynced(() => this.#parts.world.random.chance(0.5))
      this.actor.machine.bootBaseMs = 1_000 - this.#parts.world.nowMs
    }
    onKill()
  }

  /** SIGTERM: nobody else is let in, what is in hand is answered, and then it ends. */
  stop(): void {
    if (!this.isUp || this.#isDraining) return
    const { network, world } = this.#parts
    const { actor } = this
    this.#isDraining = true
    network.listen(undefined)
    for (const session of this.#sessions) session.drain()
    const untilMs = world.nowMs + DRAIN_MS
    const look = (): void => {
      if (world.nowMs < untilMs && [...this.#sessions].some(({ idle }) => !idle)) {
        world.timer(LOOK_MS, actor, look)
        return
      }
      this.#stopWriter()
      this.kill(false)
    }
    world.timer(0, actor, look)
  }

  async #run(actor: Actor): Promise<void> {
    const { world, network, blobs, disk, log, broken, onFinish } = this.#parts
    const slow = slowStore(this.#parts.store, world, actor, disk)
    const store = broken.store?.(slow, actor) ?? slow
    const files = memoryBlobs(blobs, world, actor, disk)
    const clock = world.clockOf(actor)
    // What a power loss left behind the lengths on record may be anything.
    const cutOff = this.#wasCutOff ? (await store.readDispatchState()).running : []
    for (const { job, attempt, durableStdoutBytes, durableStderrBytes } of cutOff)
      await files.cutLog({ job, attempt }, durableStdoutBytes, durableStderrBytes)
    this.#wasCutOff = false
    const slots = createLeaseSlots(new SharedArrayBuffer(SLOT_BYTES))
    const leaseSlots = broken.slots?.(slots) ?? slots
    const workerSlots = createWorkerSlots(new SharedArrayBuffer(SLOT_BYTES))
    const metrics = sharedMetrics()
    const written = await createWriter({
      ...{ store, leaseSlots, workerSlots, clock, log, metrics },
      daemon: 'simulated',
      random: bytes => world.random.hex(bytes),
      endParts: (job, attempt) => files.endParts({ job, attempt }),
    })
    this.#stopWriter = () => written.stop()
    const witnessed: Writer = {
      ...written,
      finish(job, lease, end) {
        onFinish(lease)
        return written.finish(job, lease, end)
      },
    }
    const services: Services = {
      ...{ clock, log, store, leaseSlots, workerSlots, metrics },
      blobs: broken.blobs?.(files) ?? files,
      writer: broken.writer?.(witnessed, store) ?? witnessed,
      // The least, so that more of what is long comes in pieces.
      frameBytesMax: LIMITS.frameBytesMin.value,
      scramSecret: new Uint8Array(32),
      secretKey: new Uint8Array(32),
      requireApproval: false,
      logins: sharedLogins(createLoginCounters(), new Uint8Array(32)),
      startedAtMs: clock.nowMs(),
      threadConnections: () => [],
    }
    network.listen({
      actor,
      take: wire => {
        const connection = ++this.#connections
        const peer = { connection, address: `memory:${connection}` }
        const session = serveWire(wire, services, peer, () => this.#sessions.delete(session))
        this.#sessions.add(session)
      },
    })
  }
}
