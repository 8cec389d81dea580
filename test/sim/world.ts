import type { Clock, Timer } from '../../lib/base/clock.js'
import { createRandom, type Random } from './random.js'

/** 2023-11-14, and the same in every run. */
const EPOCH_MS = 1_700_000_000_000
/** Real turns of the loop that a write may take before something must be wrong. */
const TURNS_MAX = 1_000

interface Event {
  dueMs: number
  readonly order: number
  readonly actor: Actor
  /** Counted by the clock of the actor's machine, which stands still while that sleeps. */
  readonly isTimer: boolean
  readonly callback: () => void
  isCancelled: boolean
}

/** The clocks of one machine. What stops them is World.sleep. */
export class MachineTime {
  readonly name: string
  bootBaseMs: number
  wallOffsetMs = 0
  /** Time asleep since the start, which the monotonic clock does not count. */
  sleptMs = 0
  asleepSinceMs: number | undefined
  /** When it last woke, by the time of the world. */
  wokeAtMs = Number.NEGATIVE_INFINITY
  /** Changes with every start of the machine. */
  boot = 1

  constructor(name: string, bootBaseMs: number) {
    this.name = name
    this.bootBaseMs = bootBaseMs
  }
}

/** A process, or what stands for one: what happens to it waits while it is stopped, and never happens once it is dead. */
export class Actor {
  readonly name: string
  readonly machine: MachineTime
  isDead: boolean = false
  isStopped: boolean = false
  readonly held: Event[] = []

  constructor(name: string, machine: MachineTime) {
    this.name = name
    this.machine = machine
  }

  get isRunning(): boolean {
    return !this.isDead && !this.isStopped && this.machine.asleepSinceMs === undefined
  }
}

/** True time, and everything that is going to happen, in one order that the seed decides. */
export class World {
  readonly random: Random
  nowMs = 0
  stepCount = 0
  /** Writes of the database that wait for a turn of the real loop. */
  busyCount = 0
  /** Digest of the order in which everything happened: equal for equal seeds. */
  trace = 0
  readonly #heap: Event[] = []
  #order = 0

  constructor(seed: number) {
    this.random = createRandom(seed)
  }

  /** Something that comes from outside: it waits while the actor is stopped or its machine sleeps. */
  deliver(delayMs: number, actor: Actor, callback: () => void): Timer {
    return this.#add(delayMs, actor, false, callback)
  }

  timer(delayMs: number, actor: Actor, callback: () => void): Timer {
    return this.#add(delayMs, actor, true, callback)
  }

  /** Resolves after a delay, unless the actor dies. */
  pause(delayMs: number, actor: Actor): Promise<void> {
    return new Promise(resolve => this.timer(delayMs, actor, resolve))
  }

  /** Runs the next event and what follows from it at once; false when nothing is left before `untilMs`. */
  async step(untilMs: number): Promise<boolean> {
    const event = this.#heap[0]
    if (!event || event.dueMs > untilMs) {
      this.nowMs = Math.max(this.nowMs, untilMs)
      return false
    }
    this.#pop()
    if (event.isCancelled || event.actor.isDead) return true
    this.nowMs = Math.max(this.nowMs, event.dueMs)
    if (!event.actor.isRunning) {
      event.actor.held.push(event)
      return true
    }
    this.stepCount++
    this.trace = (Math.imul(this.trace, 31) + event.order + Math.imul(this.nowMs, 7)) | 0
    event.callback()
    await this.settle()
    return true
  }

  /** Lets everything run that waits for no event. */
  async settle(): Promise<void> {
    let turns = 0
    do {
      if (++turns > TURNS_MAX) throw new Error('a write of the database never ends')
      await new Promise(resolve => setImmediate(resolve))
    } while (this.busyCount > 0)
  }

  stop(actor: Actor): void {
    actor.isStopped = true
  }

  continue(actor: Actor): void {
    actor.isStopped = false
    this.#release(actor, 0)
  }

  sleep(machine: MachineTime): void {
    machine.asleepSinceMs ??= this.nowMs
  }

  /** Timers go on where they stood; what came from outside is there at once. */
  wake(machine: MachineTime, actors: readonly Actor[]): void {
    if (machine.asleepSinceMs === undefined) return
    const sleptMs = this.nowMs - machine.asleepSinceMs
    machine.sleptMs += sleptMs
    machine.asleepSinceMs = undefined
    machine.wokeAtMs = this.nowMs
    for (const event of this.#heap) if (event.isTimer && event.actor.machine === machine) event.dueMs += sleptMs
    for (let index = this.#heap.length >> 1; index >= 0; index--) this.#sink(index)
    for (const actor of actors) this.#release(actor, sleptMs)
  }

  bootMs(machine: MachineTime): number {
    // Hundredths of a second, as /proc/uptime counts.
    return Math.floor((machine.bootBaseMs + this.nowMs) / 10) * 10
  }

  clockOf(actor: Actor): Clock {
    const { machine } = actor
    return {
      nowMs: () => EPOCH_MS + this.nowMs + machine.wallOffsetMs,
      monotonicMs: () => machine.bootBaseMs + this.nowMs - machine.sleptMs,
      after: (delayMs, callback) => this.timer(Math.max(0, delayMs), actor, callback),
    }
  }

  #release(actor: Actor, sleptMs: number): void {
    for (const event of actor.held.splice(0)) {
      event.dueMs = Math.max(this.nowMs, event.isTimer ? event.dueMs + sleptMs : 0)
      this.#push(event)
    }
  }

  #add(delayMs: number, actor: Actor, isTimer: boolean, callback: () => void): Timer {
    const dueMs = this.nowMs + Math.max(0, Math.round(delayMs))
    const event: Event = { dueMs, order: this.#order++, actor, isTimer, callback, isCancelled: false }
    this.#push(event)
    return {
      cancel() {
        event.isCancelled = true
      },
    }
  }

  #push(event: Event): void {
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent] as Event)) break
      heap[index] = heap[parent] as Event
      index = parent
    }
    heap[index] = event
  }

  #pop(): void {
    const last = this.#heap.pop() as Event
    if (this.#heap.length === 0) return
    this.#heap[0] = last
    this.#sink(0)
  }

  #sink(start: number): void {
    const heap = this.#heap
    const event = heap[start]
    if (!event) return
    let index = start
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++
      if (!isBefore(heap[child] as Event, event)) break
      heap[index] = heap[child] as Event
      index = child
    }
    heap[index] = event
  }
}

const isBefore = (a: Event, b: Event): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
