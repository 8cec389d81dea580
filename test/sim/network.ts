import { Buffer } from 'node:buffer'
import type { Dial, Wire, WireHandlers } from '../../lib/base/wire.js'
import type { Actor, World } from './world.js'

/** How often a frame meets each fate: parts of 1. */
export interface Weather {
  readonly lost: number
  readonly doubled: number
  readonly reordered: number
  readonly delayed: number
  readonly cut: number
}

export const CALM: Weather = { lost: 0, doubled: 0, reordered: 0, delayed: 0, cut: 0 }
export const STORM: Weather = { lost: 0.004, doubled: 0.003, reordered: 0.003, delayed: 0.01, cut: 0.003 }

const LATENCY_MS_MAX = 3
/** A connection that lost a frame breaks within this: a stream that goes on behind a hole does not exist. */
const BREAK_MS_MAX = 3_000

/** Connections between processes. Each write is one frame, and each frame may go astray. */
export class Network {
  weather: Weather = CALM
  readonly #world: World
  readonly #wires = new Set<SimWire>()
  /** Machines that are cut off, with the time at which they no longer are. */
  readonly #cutOff = new Map<string, number>()
  #accept: { readonly actor: Actor; take(wire: Wire): void } | undefined

  constructor(world: World) {
    this.#world = world
  }

  /** Connections go to this process from now on; undefined: they are refused. */
  listen(accept: { readonly actor: Actor; take(wire: Wire): void } | undefined): void {
    this.#accept = accept
  }

  /** What is under way to or from the machine arrives when it is reachable again. */
  cutOff(machine: string, forMs: number): void {
    this.#cutOff.set(machine, this.#world.nowMs + forMs)
  }

  /** All connections of a process that has died. Silently: its peers hear of it much later. */
  drop(actor: Actor, isSilent: boolean): void {
    for (const wire of [...this.#wires]) if (wire.actor === actor) wire.vanish(isSilent ? 10_000 : LATENCY_MS_MAX)
  }

  dialFrom(actor: Actor): Dial {
    return () =>
      new Promise((resolve, reject) => {
        const arriveMs = this.delayMs(actor)
        this.#world.deliver(arriveMs, actor, () => {
          const to = this.#accept
          if (!to || to.actor.isDead) {
            reject(Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' }))
            return
          }
          const near = new SimWire(this, this.#world, actor)
          const far = new SimWire(this, this.#world, to.actor)
          near.connect(far)
          far.connect(near)
          this.#wires.add(near).add(far)
          this.#world.deliver(0, to.actor, () => to.take(far))
          resolve(near)
        })
      })
  }

  forget(wire: SimWire): void {
    this.#wires.delete(wire)
  }

  /** Until something that leaves now arrives. */
  delayMs(a: Actor, b: Actor = a): number {
    const latencyMs = this.#world.random.int(0, LATENCY_MS_MAX)
    const openMs = Math.max(this.#cutOff.get(a.machine.name) ?? 0, this.#cutOff.get(b.machine.name) ?? 0)
    return Math.max(0, openMs - this.#world.nowMs) + latencyMs
  }
}

class SimWire implements Wire {
  readonly actor: Actor
  readonly #network: Network
  readonly #world: World
  #peer: SimWire | undefined
  #handlers: WireHandlers | undefined
  readonly #early: Buffer[] = []
  #isClosed: boolean = false
  /** The other end is told nothing any more. */
  #isBroken: boolean = false
  /** Its stream has ended within a frame: what was sent before and comes late is not a part of that frame. */
  #isDeaf: boolean = false
  /** Nothing that is sent later arrives before this. */
  #arrivesMs = 0

  constructor(network: Network, world: World, actor: Actor) {
    this.#network = network
    this.#world = world
    this.actor = actor
  }

  connect(peer: SimWire): void {
    this.#peer = peer
  }

  listen(handlers: WireHandlers): void {
    this.#handlers = handlers
    for (const bytes of this.#early.splice(0)) this.#world.deliver(0, this.actor, () => handlers.onData(bytes))
    if (this.#isClosed) this.#world.deliver(0, this.actor, () => handlers.onClose())
  }

  write(bytes: Uint8Array): boolean {
    const peer = this.#peer
    if (this.#isClosed || this.#isBroken || !peer) return !this.#isClosed
    const { random } = this.#world
    const { lost, doubled, reordered, delayed, cut } = this.#network.weather
    if (random.chance(lost)) this.#breakWithin(BREAK_MS_MAX)
    else if (random.chance(cut)) {
      this.#send(peer, bytes.subarray(0, random.int(0, bytes.length - 1)), 0, true, true)
      this.#isBroken = true
      this.#breakWithin(BREAK_MS_MAX)
    } else if (random.chance(reordered)) this.#send(peer, bytes, random.int(5, 200), false)
    else {
      this.#send(peer, bytes, random.chance(delayed) ? random.int(50, 1_500) : 0, true)
      if (random.chance(doubled)) this.#send(peer, bytes, random.int(0, 200), random.chance(0.5))
    }
    return true
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.#isClosed) return
    const peer = this.#peer
    this.#close()
    if (peer && !this.#isBroken) this.#world.deliver(this.#arrivalMs(peer, 0), peer.actor, () => peer.#close())
  }

  /** The process at this end is gone. */
  vanish(tellMs: number): void {
    this.#isClosed = true
    this.#network.forget(this)
    const peer = this.#peer
    if (peer)
      this.#world.deliver(this.#arrivalMs(peer, this.#world.random.int(0, tellMs)), peer.actor, () => peer.#close())
  }

  #send(peer: SimWire, bytes: Uint8Array, extraMs: number, isInOrder: boolean, isLast = false): void {
    const copy = Buffer.from(bytes)
    const delayMs = isInOrder ? this.#arrivalMs(peer, extraMs) : this.#network.delayMs(this.actor, peer.actor) + extraMs
    this.#world.deliver(delayMs, peer.actor, () => peer.#receive(copy, isLast))
  }

  #arrivalMs(peer: SimWire, extraMs: number): number {
    const { nowMs } = this.#world
    this.#arrivesMs = Math.max(this.#arrivesMs, nowMs + this.#network.delayMs(this.actor, peer.actor) + extraMs)
    return this.#arrivesMs - nowMs
  }

  #breakWithin(ms: number): void {
    for (const end of [this, this.#peer])
      if (end) this.#world.deliver(this.#world.random.int(0, ms), end.actor, () => end.#close())
  }

  #receive(bytes: Buffer, isLast: boolean): void {
    if (this.#isClosed || this.#isDeaf) return
    this.#isDeaf = isLast
    if (this.#handlers) this.#handlers.onData(bytes)
    else this.#early.push(bytes)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#network.forget(this)
    const handlers = this.#handlers
    if (handlers) queueMicrotask(() => handlers.onClose())
  }
}
