import { Buffer } from 'node:buffer'
import type { Shell, ShellEnd } from '../../lib/worker/ports.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Attempt, FakeMachine } from './machine.js'
import type { Actor, World } from './world.js'

const LINES_MAX = 8
/** Padding of the lines of a job whose log has a limit: it is reached within a few. */
const LONG_LINE_BYTES_MAX = 4_000
const PAUSE_MS_MAX = 900
/** Some jobs take their time: they are there when something goes wrong. */
const LONG_PAUSE_MS_MAX = 4_000
/** Above are those that no job ends with. */
const EXIT_CODE_MAX = 200
/** Until a worker process hears that a shell is gone, and what a pass over all processes takes. */
const NOTICE_MS_MAX = 50

/**
 * Everything that one attempt runs: a shell that writes numbered lines to both streams and ends with a status, and
 * sometimes a child in a session of its own that stays until it is killed.
 */
export class JobProcess {
  readonly attempt: Attempt
  readonly machine: FakeMachine
  readonly startedAtBootMs: number
  readonly pid: number
  isShellAlive: boolean = true
  hasChild: boolean
  /** Missing: it was killed, or runs. */
  status: number | undefined
  readonly #world: World
  readonly #ignoresTerm: boolean
  readonly #pauseMsMax: number
  readonly #watchers: (() => void)[] = []

  constructor(world: World, machine: FakeMachine, attempt: Attempt) {
    const { random } = world
    this.#world = world
    this.machine = machine
    this.attempt = attempt
    this.startedAtBootMs = world.bootMs(machine.time)
    this.pid = random.int(2, 30_000)
    this.hasChild = random.chance(0.3)
    this.#ignoresTerm = random.chance(0.2)
    this.#pauseMsMax = random.chance(0.4) ? LONG_PAUSE_MS_MAX : PAUSE_MS_MAX
    // Where the limit of its log stops a job, it prints for ever.
    this.#goOn(attempt.record.grant.onLogLimit === 'stop' ? Number.POSITIVE_INFINITY : random.int(0, LINES_MAX), 1)
  }

  /** Whether anything of the tree is left, asleep or not. */
  get isAlive(): boolean {
    return this.isShellAlive || this.hasChild
  }

  onShellEnd(tell: () => void): void {
    if (this.isShellAlive) this.#watchers.push(tell)
    else tell()
  }

  terminate(): void {
    if (this.#ignoresTerm || !this.isShellAlive) return
    this.#world.timer(this.#world.random.int(0, 300), this.machine.kernel, () => this.#exit(143))
  }

  killShell(): void {
    if (!this.isShellAlive) return
    this.isShellAlive = false
    for (const tell of this.#watchers.splice(0)) tell()
  }

  kill(): void {
    this.hasChild = false
    this.killShell()
  }

  #goOn(linesLeft: number, number: number): void {
    const { random } = this.#world
    this.#world.timer(random.int(0, this.#pauseMsMax), this.machine.kernel, () => {
      if (!this.isShellAlive) return
      if (linesLeft === 0) {
        this.#exit(random.chance(0.8) ? 0 : random.int(1, EXIT_CODE_MAX))
        return
      }
      const { attempt } = this
      const { job, lease, logLimitBytes } = attempt.record.grant
      const isLimited = logLimitBytes < LIMITS.logLimitBytesDefault.value
      const bytes = isLimited ? random.int(0, LONG_LINE_BYTES_MAX) : random.chance(0.05) ? random.int(1, 50_000) : 0
      const padding = 'x'.repeat(bytes)
      const line = Buffer.from(`${job} ${lease} ${number} ${padding}\n`)
      const stream = random.chance(0.7) ? 'stdout' : 'stderr'
      attempt[stream] = Buffer.concat([attempt[stream], line])
      this.#goOn(linesLeft - 1, number + 1)
    })
  }

  #exit(status: number): void {
    if (!this.isShellAlive) return
    this.status = status
    this.killShell()
  }
}

/** A process as one worker process holds it; undefined: there was none, or it is gone with another life of the machine. */
export function shellOf(process: JobProcess | undefined, world: World, actor: Actor): Shell {
  const { random } = world
  const ended = new Promise<ShellEnd>(resolve => {
    const tell = (): void => {
      const end = process?.status === undefined ? {} : { exitCode: process.status }
      world.deliver(random.int(0, NOTICE_MS_MAX), actor, () => resolve(end))
    }
    if (process) process.onShellEnd(tell)
    else tell()
  })
  return {
    ...(process && { pid: process.pid }),
    startedAtBootMs: process?.startedAtBootMs ?? world.bootMs(actor.machine),
    isAlive: () => process?.isShellAlive === true,
    ended,
    signal(signal) {
      if (signal === 'SIGTERM') process?.terminate()
      else process?.killShell()
    },
    async endTree() {
      await world.pause(random.int(0, NOTICE_MS_MAX), actor)
      process?.kill()
      return 'cookie'
    },
  }
}
