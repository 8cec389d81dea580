import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { EndPlan } from '../../lib/worker/log-limit.js'
import type { AttemptFiles, Ending, FreedMarks, GrantRecord, Machine, Pack } from '../../lib/worker/ports.js'
import { parseSha256, type Sha256 } from '../../protocol/ids.js'
import { JobProcess, shellOf } from './process.js'
import { Actor, MachineTime, type World } from './world.js'

const DISK_MS_MAX = 6
/** A line or two of a simulated job. */
const FREE_STEP_BYTES = 64

/** The directory of one attempt: it stays when the worker process goes. */
export interface Attempt {
  readonly record: GrantRecord
  stdout: Buffer
  stderr: Buffer
  artifacts: Buffer | undefined
  isLaunched: boolean
  leaseEnd: { readonly endsAtBootMs: number; readonly boot: number } | undefined
  ending: Ending | undefined
  plan: EndPlan | undefined
  freed: FreedMarks
  process: JobProcess | undefined
  /** Of the files that travelled with the job. */
  unpacked: Sha256 | undefined
  /** The disk refused something of it. */
  wasRefused: boolean
  isRemoved: boolean
}

/** One build box: what its worker processes find again, the jobs that run on it, its clocks. */
export class FakeMachine {
  readonly time: MachineTime
  readonly attempts = new Set<Attempt>()
  /** What runs the jobs: the kernel, which only a sleeping machine stops. */
  kernel: Actor
  isFull: boolean = false
  readonly #world: World
  readonly #onAttempt: (attempt: Attempt) => void

  constructor(world: World, name: string, onAttempt: (attempt: Attempt) => void) {
    this.#world = world
    this.#onAttempt = onAttempt
    this.time = new MachineTime(name, world.random.int(1_000, 1_000_000))
    this.kernel = new Actor(`${name} kernel`, this.time)
  }

  get processes(): readonly JobProcess[] {
    return [...this.attempts].flatMap(({ process }) => (process?.isAlive ? [process] : []))
  }

  /** Power off and on: every process is gone, the boot clock begins anew. */
  reboot(): void {
    this.kernel.isDead = true
    for (const process of this.processes) process.kill()
    this.kernel = new Actor(`${this.time.name} kernel`, this.time)
    this.time.boot++
    this.time.bootBaseMs = this.#world.random.int(1_000, 10_000) - this.#world.nowMs
    this.time.sleptMs = 0
  }

  /** The machine as one worker process sees it: what it began is not finished once that process is dead. */
  portsFor(actor: Actor): Machine {
    const world = this.#world
    const { random } = world
    const disk = async (): Promise<void> => {
      if (random.chance(0.5)) await world.pause(random.int(0, DISK_MS_MAX), actor)
    }
    const attemptOf = new Map<AttemptFiles, Attempt>()
    const open = (attempt: Attempt): AttemptFiles => {
      const files = this.#filesOf(attempt, disk)
      attemptOf.set(files, attempt)
      return files
    }
    return {
      bootClock: { bootMs: () => world.bootMs(this.time) },
      load: () => 0,
      random: bytes => random.hex(bytes),
      attempts: {
        create: async record => {
          await disk()
          if (this.isFull) throw new Error('ENOSPC: the disk of the worker is full')
          const attempt = newAttempt(record)
          this.attempts.add(attempt)
          this.#onAttempt(attempt)
          await disk()
          return open(attempt)
        },
        list: async () => {
          await disk()
          return [...this.attempts].map(open)
        },
      },
      executor: {
        start: async files => {
          await disk()
          const attempt = attemptOf.get(files) as Attempt
          attempt.process = new JobProcess(world, this, attempt)
          await disk()
          return shellOf(attempt.process, world, actor)
        },
        adopt: async files => {
          await disk()
          const attempt = attemptOf.get(files) as Attempt
          return shellOf(attempt.process, world, actor)
        },
      },
    }
  }

  #filesOf(attempt: Attempt, disk: () => Promise<void>): AttemptFiles {
    const { time } = this
    const takesRoom = (): void => {
      if (!this.isFull) return
      attempt.wasRefused = true
      throw Object.assign(new Error('ENOSPC: the disk of the worker is full'), { code: 'ENOSPC' })
    }
    return {
      record: attempt.record,
      workspaceDir: '/workspace',
      artifactsDir: '/artifacts',
      async markLaunched() {
        await disk()
        attempt.isLaunched = true
        await disk()
      },
      wasLaunched: async () => attempt.isLaunched,
      async markMasked() {
        throw new Error('no action here has secrets')
      },
      isMasked: async () => false,
      async writeLeaseEnd(endsAtBootMs) {
        const { boot } = time
        await disk()
        attempt.leaseEnd = { endsAtBootMs: Math.floor(endsAtBootMs / 10) * 10, boot }
        await disk()
      },
      readLeaseEnd: async () => (attempt.leaseEnd?.boot === time.boot ? attempt.leaseEnd.endsAtBootMs : undefined),
      async writeEnding(ending) {
        await disk()
        attempt.ending = ending
      },
      readEnding: async () => attempt.ending,
      async writePlan(plan) {
        await disk()
        attempt.plan = plan
      },
      readPlan: async () => attempt.plan,
      async unpackBundle(zip) {
        await disk()
        takesRoom()
        attempt.unpacked = sha256Of(zip)
      },
      async note(line) {
        attempt.stderr = Buffer.concat([attempt.stderr, Buffer.from(`jankins: ${line}\n`)])
      },
      streamBytes: async stream => attempt[stream].length,
      async readStream(stream, offset, bytesMax) {
        await disk()
        const data = Buffer.from(attempt[stream].subarray(offset, offset + bytesMax))
        const freedBytes = attempt.freed[stream]?.bytes ?? 0
        return data.fill('\n', 0, Math.min(data.length, Math.max(0, freedBytes - offset)))
      },
      freeStepBytes: FREE_STEP_BYTES,
      async free(stream, mark) {
        await disk()
        attempt.freed = { ...attempt.freed, [stream]: mark }
        await disk()
      },
      readFreed: async () => attempt.freed,
      packArtifacts: async globs => {
        await disk()
        if (globs.length === 0) return undefined
        const whole = Buffer.from(`artifacts of ${attempt.record.grant.lease}`)
        attempt.artifacts = whole
        let made: Pack['made']
        return {
          get made() {
            return made
          },
          async read(offset, into) {
            await disk()
            if (offset < whole.length) return into.subarray(0, whole.copy(into, 0, offset))
            made = { bytes: whole.length, sha256: sha256Of(whole) }
            return undefined
          },
          close() {},
        }
      },
      remove: async () => {
        await disk()
        attempt.isRemoved = true
        this.attempts.delete(attempt)
      },
    }
  }
}

const newAttempt = (record: GrantRecord): Attempt => ({
  record,
  stdout: Buffer.alloc(0),
  stderr: Buffer.alloc(0),
  artifacts: undefined,
  isLaunched: false,
  leaseEnd: undefined,
  ending: undefined,
  plan: undefined,
  freed: {},
  process: undefined,
  unpacked: undefined,
  wasRefused: false,
  isRemoved: false,
})

export const sha256Of = (bytes: Buffer): Sha256 =>
  parseSha256(createHash('sha256').update(bytes).digest('hex')) as Sha256
