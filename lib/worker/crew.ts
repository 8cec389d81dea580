import type { JobId } from '../../protocol/ids.js'
import { type Clock, sleep } from '../base/clock.js'
import type { Log } from '../base/log.js'
import type { Offer, Served } from './claims.js'
import { newCookie } from './environment.js'
import { JobRun } from './job-run.js'
import type { JobEnd } from './outcome.js'
import type { AttemptFiles, Machine } from './ports.js'

export interface CrewParts {
  readonly machine: Machine
  readonly clock: Clock
  readonly log: Log
  readonly slots: number
  readonly environment: Readonly<Record<string, string | undefined>>
  onEnd?(end: JobEnd): void
}

/** A full disk takes no attempt: the slot rests for so long instead of asking for the next job at once. */
const REST_MS = 5_000

interface Working {
  readonly served: Served
  readonly sinceMs: number
  /** Missing until its directory is made. */
  run?: JobRun
  /** Nothing of it is left to do here: only its server has to answer. */
  isFinishing: boolean
}

/**
 * The jobs that run on this worker now, and the slots that they take: each until its end is sent. While that is answered
 * the next one may be asked for already, as long as no more than another `slots` wait for their answers.
 */
export class Crew {
  readonly #parts: CrewParts
  readonly #working = new Set<Working>()
  readonly #listeners = new Set<() => void>()
  /** Directories of ended attempts that are being taken away. */
  readonly #removals = new Set<Promise<void>>()
  #stopping: boolean = false
  #hasRun: boolean = false

  constructor(parts: CrewParts) {
    this.#parts = parts
  }

  get free(): number {
    const { slots } = this.#parts
    let running = 0
    for (const { isFinishing } of this.#working) if (!isFinishing) running++
    return Math.max(0, slots - Math.max(running, this.#working.size - slots))
  }

  get busy(): number {
    return this.#working.size
  }

  /** Whether a job of this server is left to do. */
  has(served: Served): boolean {
    return [...this.#working].some(working => working.served === served)
  }

  /** Whether any job was taken or adopted. */
  get hasRun(): boolean {
    return this.#hasRun
  }

  /** Resolves when the end of a job is sent or answered, or when the signal fires. */
  nextEnd(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        this.#listeners.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#listeners.add(done)
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
  }

  /** Resolves when no job runs and nothing of the ended ones is left. */
  async allEnded(): Promise<void> {
    while (this.#working.size > 0) await this.nextEnd(new AbortController().signal)
    await Promise.all(this.#removals)
  }

  /** Takes a slot at once and runs the job in it. */
  take({ served, grant }: Offer): void {
    const { machine } = this.#parts
    const cookie = newCookie(machine.random)
    const record = { grant, server: served.link.server, user: served.link.user, cookie }
    this.#work(served, grant.job, async start => {
      const files = await machine.attempts.create(record).catch(async error => {
        await this.#giveBack({ served, grant }, error)
        return undefined
      })
      if (files) await start(files).run()
    })
  }

  /** Goes on with what an earlier process left; an adopted job takes a slot too, also beyond the last one. */
  adopt(files: AttemptFiles, served: Served): void {
    this.#work(served, files.record.grant.job, start => start(files).adopt())
  }

  stopAll(): void {
    this.#stopping = true
    for (const { run } of this.#working) run?.stop()
  }

  /** Slot time of the jobs of a server that run now, ms. */
  spentNowMs(served: Served): number {
    const nowMs = this.#parts.clock.monotonicMs()
    let sum = 0
    for (const working of this.#working) if (working.served === served) sum += nowMs - working.sinceMs
    return sum
  }

  #work(served: Served, job: JobId, steps: (start: (files: AttemptFiles) => JobRun) => Promise<void>): void {
    const { clock, log } = this.#parts
    const working: Working = { served, sinceMs: clock.monotonicMs(), isFinishing: false }
    this.#working.add(working)
    this.#hasRun = true
    const start = (files: AttemptFiles): JobRun => {
      const onFinishing = (): void => {
        working.isFinishing = true
        this.#tell()
      }
      const remove = (ended: AttemptFiles): Promise<void> => this.#remove(ended)
      working.run = new JobRun({ ...this.#parts, link: served.link, files, onFinishing, remove })
      if (this.#stopping) working.run.stop()
      return working.run
    }
    const ended = (): void => {
      this.#working.delete(working)
      served.spend(clock.monotonicMs() - working.sinceMs)
      this.#tell()
    }
    steps(start).then(ended, error => {
      log.error('a job was not run', { job }, error)
      ended()
    })
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  /** Beside the next job. Where removals fall behind, a slot waits: what has ended does not fill the disk. */
  async #remove(files: AttemptFiles): Promise<void> {
    const { job } = files.record.grant
    const removal = files
      .remove()
      .catch(error => this.#parts.log.error('the directory of a job was not removed', { job }, error))
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
    if (this.#removals.size > this.#parts.slots) await removal
  }

  async #giveBack({ served, grant }: Offer, error: unknown): Promise<void> {
    const { log, clock } = this.#parts
    log.error('a job was given back: its directory could not be made', { job: grant.job }, error)
    const { job, lease } = grant
    await served.link
      .ready()
      .then(client => client.call('job.decline', { job, lease }))
      .catch(() => {})
    await sleep(clock, REST_MS)
  }
}
