import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Clock, sleep, systemClock } from '../../lib/base/clock.js'
import { type Log, silentLog } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/connection.js'
import { openMachine } from '../../lib/worker/machine/linux.js'
import type { JobEnd } from '../../lib/worker/outcome.js'
import type { Machine } from '../../lib/worker/ports.js'
import { runWorker, type WorkerMode, type WorkerOptions, type WorkerResult } from '../../lib/worker/worker.js'
import { type JobId, type Name, parseName } from '../../protocol/ids.js'
import type { Params } from '../../protocol/methods.js'
import type { JobView } from '../../protocol/views.js'
import { PATIENCE_MS } from './clock.js'
import { startDaemonInProcess, type TestDaemon, type TestDaemonOptions } from './daemon.js'

export const nameOf = (text: string): Name => parseName(text) as Name

/** A directory outside of the checkout: paths stay short and no .gitignore is above it. */
export async function tempDir(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'jankins-worker-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

export interface Bench {
  readonly daemon: TestDaemon<Clock>
  readonly admin: Client
  readonly stateDir: string
  /** Queues a job without an action. */
  exec(definition: Omit<Params<'job.exec'>, 'key'>): Promise<JobId>
  /** Starts a worker on this machine. */
  work(
    options?: Partial<WorkerOptions> & {
      readonly useCgroup?: boolean
      readonly usePidNamespace?: boolean
      readonly shellsAhead?: number
      readonly stateDir?: string
    },
  ): Promise<Working>
  /** Runs one job to its end with a worker of its own. */
  run(definition: Omit<Params<'job.exec'>, 'key'>, options?: Partial<WorkerOptions>): Promise<JobView>
  ended(job: JobId): Promise<JobView>
  log(job: JobId, stream?: 'stdout' | 'stderr'): Promise<Buffer>
}

export interface Working {
  readonly machine: Machine
  readonly result: Promise<WorkerResult>
  readonly ends: readonly JobEnd[]
  drain(): void
  stop(): void
}

let keys = 0

/** The real daemon in this process and real workers with real job processes, on the real clock. */
export async function startBench(
  t: Test,
  log: Log = silentLog,
  options: Pick<TestDaemonOptions<Clock>, 'writer'> & { readonly stateDir?: string } = {},
): Promise<Bench> {
  const { stateDir = await tempDir(t), ...rest } = options
  const daemon = await startDaemonInProcess<Clock>(t, { clock: systemClock, dataDir: await tempDir(t), log, ...rest })
  const admin = await daemon.client('admin')
  const login = await daemon.login('worker')
  const bench: Bench = {
    ...{ daemon, admin, stateDir },
    async exec(definition) {
      return (await admin.call('job.exec', { ...definition, key: `test-key-${++keys}` })).job
    },
    async work(options = {}) {
      const machine = await openMachine({
        stateDir: options.stateDir ?? stateDir,
        clock: systemClock,
        useCgroup: options.useCgroup ?? false,
        usePidNamespace: options.usePidNamespace ?? false,
        shellsAhead: options.shellsAhead ?? options.slots ?? 1,
      })
      const drain = new AbortController()
      const stop = new AbortController()
      const ends: JobEnd[] = []
      const result = runWorker({
        servers: [{ address: daemon.address, login, weight: 1 }],
        name: nameOf('tester'),
        labels: [],
        slots: 1,
        mode: { kind: 'once', wait: true } satisfies WorkerMode,
        ...{ machine, dial: daemon.dial, clock: systemClock, log, environment: process.env },
        drain: drain.signal,
        stop: stop.signal,
        onEnd: end => void ends.push(end),
        ...options,
      }).finally(() => machine.release())
      const release = async (): Promise<void> => {
        drain.abort()
        stop.abort()
        await result.catch(() => {})
      }
      t.teardown(release)
      return { machine, result, ends, drain: () => drain.abort(), stop: () => stop.abort() }
    },
    async run(definition, options) {
      const job = await bench.exec(definition)
      const { result } = await bench.work(options)
      const { kind } = await result
      if (kind !== 'done') throw new Error('the worker was refused')
      return await bench.ended(job)
    },
    ended: job => endOf(admin, job),
    async log(job, stream = 'stdout') {
      const pieces: Buffer[] = []
      for (let offset = 0; ; ) {
        const { chunks, next, ended } = await admin.call('job.log', { job, stream, offset, bytesMax: 262_144 })
        for (const { data } of chunks) pieces.push(Buffer.from(data))
        if (next === offset && ended) return Buffer.concat(pieces)
        offset = next
      }
    },
  }
  return bench
}

/** Until the test ends this process does not, although what a machine without a worker waits for keeps none alive. */
export function stayAlive(t: Test): void {
  const timer = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(timer))
}

/** The job as it ended. */
export async function endOf(client: Client, job: JobId): Promise<JobView> {
  let view: JobView | undefined
  await until(`job ${job} has ended`, async () => {
    view = (await client.call('job.wait', { job, waitMs: 10_000 })).job
    return view.endedAtMs !== undefined
  })
  if (!view) throw new Error(`job ${job} was never seen`)
  return view
}

/** The processes that carry this text in their environment. */
export async function processesWith(text: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const found: number[] = []
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    if (environment.includes(text)) found.push(Number(pid))
  }
  return found
}

/** Waits on a fact of the outside world that tells nobody when it comes true. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const startedAtMs = systemClock.monotonicMs()
  while (!(await isTrue())) {
    if (systemClock.monotonicMs() - startedAtMs > PATIENCE_MS) throw new Error(`never came true: ${what}`)
    await sleep(systemClock, 20)
  }
}
