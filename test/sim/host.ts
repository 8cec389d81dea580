import type { Log } from '../../lib/base/log.js'
import { runWorker, type WorkerMode } from '../../lib/worker/worker.js'
import { type Name, parseName } from '../../protocol/ids.js'
import type { KeyLogin } from '../helpers/daemon.js'
import { type Attempt, FakeMachine } from './machine.js'
import type { Network } from './network.js'
import { Actor, type World } from './world.js'

const GUARD_PERIOD_MS = 1_000
const SLOTS = 2
/** Whoever keeps a worker running starts it again after this. */
const AGAIN_MS = 200
const REFUSED_MS = 1_000

export interface HostParts {
  readonly world: World
  readonly network: Network
  readonly login: KeyLogin
  readonly log: Log
  /** Told of each directory that is made for an attempt. */
  onAttempt(attempt: Attempt): void
  /** False: nobody looks at the leases but the worker itself. */
  readonly hasGuard: boolean
}

/** One build box: its machine, the worker process on it, and the guard. */
export class Host {
  readonly name: Name
  readonly machine: FakeMachine
  worker: Actor
  guard: Actor
  readonly #parts: HostParts
  readonly #mode: WorkerMode
  #drain = new AbortController()
  #stop = new AbortController()

  constructor(parts: HostParts, name: string, mode: WorkerMode) {
    this.name = parseName(name) as Name
    this.#parts = parts
    this.#mode = mode
    this.machine = new FakeMachine(parts.world, name, attempt => parts.onAttempt(attempt))
    this.worker = new Actor(`${name} worker`, this.machine.time)
    this.guard = new Actor(`${name} guard`, this.machine.time)
    this.worker.isDead = true
    this.guard.isDead = true
  }

  get isAsleep(): boolean {
    return this.machine.time.asleepSinceMs !== undefined
  }

  start(): void {
    this.startGuard()
    if (!this.worker.isDead) return
    const { world, network, login, log } = this.#parts
    const actor = new Actor(`${this.name} worker`, this.machine.time)
    this.worker = actor
    this.#drain = new AbortController()
    this.#stop = new AbortController()
    const result = runWorker({
      servers: [{ address: { host: 'simulated', port: 5265 }, login, weight: 1 }],
      name: this.name,
      labels: [],
      slots: SLOTS,
      mode: this.#mode,
      machine: this.machine.portsFor(actor),
      dial: network.dialFrom(actor),
      clock: world.clockOf(actor),
      environment: {},
      ...{ log, drain: this.#drain.signal, stop: this.#stop.signal },
    })
    result.then(
      ({ kind }) => {
        actor.isDead = true
        world.timer(kind === 'refused' ? REFUSED_MS : AGAIN_MS, this.machine.kernel, () => this.start())
      },
      error => log.error('a worker failed', { worker: this.name }, error),
    )
  }

  startGuard(): void {
    const { world, hasGuard } = this.#parts
    if (!this.guard.isDead || !hasGuard) return
    const guard = new Actor(`${this.name} guard`, this.machine.time)
    this.guard = guard
    const look = (): void => {
      this.#endWhatIsOver()
      world.timer(GUARD_PERIOD_MS, guard, look)
    }
    world.timer(0, guard, look)
  }

  killWorker(isSilent = false): void {
    this.worker.isDead = true
    this.#parts.network.drop(this.worker, isSilent)
  }

  killGuard(): void {
    this.guard.isDead = true
  }

  stopWorker(): void {
    this.#parts.world.stop(this.worker)
  }

  continueWorker(): void {
    this.#parts.world.continue(this.worker)
  }

  /** SIGTERM: it takes no other job and ends with its last one; `isTwice`: it stops its jobs. */
  drainWorker(isTwice: boolean): void {
    this.#drain.abort()
    if (isTwice) this.#stop.abort()
  }

  sleep(): void {
    this.#parts.world.sleep(this.machine.time)
  }

  wake(): void {
    this.#parts.world.wake(this.machine.time, [this.machine.kernel, this.guard, this.worker])
  }

  /** Power off: `start` is its power on. */
  powerOff(): void {
    this.wake()
    this.killWorker(true)
    this.killGuard()
    this.machine.reboot()
  }

  /** What a guard does: without grace, for every job whose lease has passed by the clock of the machine. */
  #endWhatIsOver(): void {
    const { time } = this.machine
    const bootMs = this.#parts.world.bootMs(time)
    for (const { leaseEnd, process } of this.machine.attempts)
      if (leaseEnd && leaseEnd.boot === time.boot && bootMs >= leaseEnd.endsAtBootMs) process?.kill()
  }
}
