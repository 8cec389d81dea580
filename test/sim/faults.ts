import type { SimDaemon } from './daemon.js'
import type { Disk } from './disk.js'
import type { Host } from './host.js'
import { CALM, type Network, STORM } from './network.js'
import { Actor, MachineTime, type World } from './world.js'

export interface FaultParts {
  readonly world: World
  readonly network: Network
  readonly daemon: SimDaemon
  readonly disk: Disk
  readonly hosts: readonly Host[]
  onFault(kind: string): void
  /** Told what is done to the system, for people. */
  tell(what: string): void
}

/** Longest time that a fault stays, ms; longer than a lease and its margin now and then. */
const LONG_MS = 14_000
const WRITE_MS_MAX = 3

/** Does one thing for so long; the function returned undoes it. Undefined: it undoes itself, or could not be done. */
type Deed = (parts: FaultParts, host: Host, forMs: number) => (() => void) | undefined

const DEEDS: Readonly<Record<string, Deed>> = {
  'kill the daemon': ({ daemon }) => {
    daemon.kill(false)
    return () => daemon.start()
  },
  'cut the power of the daemon': ({ daemon }) => {
    daemon.kill(true)
    return () => daemon.start()
  },
  'stop the daemon': ({ daemon }) => {
    daemon.stop()
    return () => daemon.start()
  },
  'kill a worker': (_parts, host) => {
    if (host.isAsleep) return undefined
    host.killWorker()
    return () => host.start()
  },
  'stop a worker': ({ world }, host) => {
    if (host.isAsleep) return undefined
    host.stopWorker()
    const { worker } = host
    return () => world.continue(worker)
  },
  'drain a worker': ({ world }, host) => {
    host.drainWorker(world.random.chance(0.2))
    return undefined
  },
  'put a machine to sleep': (_parts, host) => {
    host.sleep()
    return () => host.wake()
  },
  'cut the power of a machine': (_parts, host) => {
    host.powerOff()
    return () => host.start()
  },
  'kill a guard': ({ world }, host) => {
    if (host.isAsleep || host.guard.isDead) return undefined
    host.killGuard()
    world.timer(world.random.int(0, 300), host.machine.kernel, () => host.startGuard())
    return undefined
  },
  'cut off a machine': ({ network }, host, forMs) => {
    network.cutOff(host.name, forMs)
    return () => network.cutOff(host.name, 0)
  },
  'slow the disk': ({ disk, world }) => {
    disk.writeMsMax = world.random.int(20, 400)
    return () => {
      disk.writeMsMax = WRITE_MS_MAX
    }
  },
  'fill the disk': ({ disk }) => {
    disk.isFull = true
    return () => {
      disk.isFull = false
    }
  },
  'let the disk fail': ({ disk, world }) => {
    disk.failing = world.random.int(1, 30) / 100
    return () => {
      disk.failing = 0
    }
  },
  'fill the disk of a worker': (_parts, host) => {
    host.machine.isFull = true
    return () => {
      host.machine.isFull = false
    }
  },
  'step a clock': ({ daemon, world }, host) => {
    world.random.pick([host.machine.time, daemon.actor.machine]).wallOffsetMs += world.random.int(-7_200_000, 7_200_000)
    return undefined
  },
}

/** What may be done to the system. */
export const FAULTS = Object.keys(DEEDS)
/** What takes a worker away from its daemon is what most promises are about. */
const LONELY = ['kill a worker', 'stop a worker', 'cut off a machine']

/** Does one thing after the other to the system; each is undone after a while, and all of them by `end`. */
export class Faults {
  readonly #parts: FaultParts
  readonly #sky: Actor
  readonly #undo = new Set<() => void>()
  #isOver: boolean = false

  constructor(parts: FaultParts) {
    this.#parts = parts
    this.#sky = new Actor('sky', new MachineTime('sky', 1_000))
    parts.disk.writeMsMax = WRITE_MS_MAX
  }

  begin(): void {
    this.#parts.network.weather = STORM
    this.#next()
  }

  end(): void {
    this.#isOver = true
    this.#parts.network.weather = CALM
    for (const undo of [...this.#undo]) undo()
  }

  #next(): void {
    const { world } = this.#parts
    world.timer(world.random.int(100, 2_500), this.#sky, () => {
      if (this.#isOver) return
      this.#doOne()
      this.#next()
    })
  }

  #doOne(): void {
    const { world, tell, onFault } = this.#parts
    const { random } = world
    const host = random.pick(this.#parts.hosts)
    const forMs = random.int(50, random.chance(0.5) ? LONG_MS : 2_500)
    const kind = random.pick(random.chance(0.5) ? LONELY : FAULTS)
    tell(`${kind}: ${host.name}, ${forMs} ms`)
    onFault(kind)
    const undo = DEEDS[kind]?.(this.#parts, host, forMs)
    if (undo) this.#later(forMs, undo)
  }

  #later(ms: number, undo: () => void): void {
    const once = (): void => {
      if (this.#undo.delete(once)) undo()
    }
    this.#undo.add(once)
    this.#parts.world.timer(ms, this.#sky, once)
  }
}
