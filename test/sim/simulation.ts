import { type Log, recordLog } from '../../lib/base/log.js'
import { completeDefinition } from '../../lib/domain/action.js'
import { openStore } from '../../lib/store/open.js'
import type { Store } from '../../lib/store/store.js'
import { type JobId, type Name, parseName } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../protocol/scram.js'
import type { KeyLogin } from '../helpers/daemon.js'
import { Checks } from './checks.js'
import { SimClient } from './clients.js'
import { type Broken, SimDaemon } from './daemon.js'
import type { Disk } from './disk.js'
import { Faults } from './faults.js'
import { Host } from './host.js'
import { MemoryDisk } from './memory-blobs.js'
import { Network } from './network.js'
import { World } from './world.js'

export interface SimulationOptions {
  readonly seed: number
  /** An empty directory for the database. */
  readonly dataDir: string
  /** How long things go wrong, simulated ms. */
  readonly chaosMs?: number
  readonly broken?: Broken & { readonly hasGuard?: boolean }
  /** Told everything, line by line. */
  readonly tell?: (line: string) => void
}

export interface SimulationResult {
  /** Empty when every promise was kept. */
  readonly violations: readonly string[]
  readonly stepCount: number
  /** Simulated time in all. */
  readonly simulatedMs: number
  /** Equal for equal seeds. */
  readonly trace: number
  readonly summary: Readonly<Record<string, number>>
}

const nameOf = (text: string): Name => parseName(text) as Name

const CHAOS_MS = 20_000
/** Every job must have ended when nothing has gone wrong for so long. */
const CALM_MS = 120_000
const ACTIONS = {
  short: { leaseMs: 3_000, retries: 2 },
  kept: { leaseMs: 4_000, retries: 1, artifacts: ['**'], runningMax: 2 },
  limited: { leaseMs: 3_000, retries: 1, timeLimitMs: 3_000, graceMs: 500 },
}
const login = (async (): Promise<KeyLogin> => {
  const [salt, iterations] = [new Uint8Array(16), LIMITS.scramIterationsMin.value]
  return { user: nameOf('somebody'), salt, iterations, keys: await deriveKeys('simulated', salt, iterations) }
})()

/** Runs one seed to its end: a daemon, three machines and two clients, first in chaos, then in calm. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, dataDir, chaosMs = CHAOS_MS, broken = {} } = options
  const world = new World(seed)
  const tell = (line: string): void => options.tell?.(`${String(world.nowMs).padStart(7)} ${line}`)
  const store = openStore(
    dataDir,
    recordLog('error', ({ message }) => tell(message)),
    'OFF',
  )
  try {
    const account = await login
    await setUp(store, account)
    const blobs = new MemoryDisk()
    const checks = new Checks(world, store, blobs)
    const log = watchedLog(checks, tell)
    const network = new Network(world)
    const disk: Disk = { isFull: false, writeMsMax: 0 }
    const dirty = new Set<JobId>()
    const daemon = new SimDaemon({
      ...{ world, network, store: noting(store, dirty), blobs, disk, log, broken },
      hooks: { before() {}, after() {} },
      onFinish: lease => checks.finishAsked(lease),
      onKill: () => {},
    })
    const witness = { attemptMade: checks.made.bind(checks), processStarted: () => {} }
    const parts = { world, network, login: account, log, witness, hasGuard: broken.hasGuard ?? true }
    const hosts = ['first', 'second', 'third'].map(name => new Host(parts, name))
    const clients = ['alice', 'bob'].map(
      name =>
        new SimClient(
          {
            ...{ world, network, login: account, actions: Object.keys(ACTIONS) },
            onQueued: (key, jobs) => checks.queued(key, jobs),
            onFault: what => checks.fault(what),
          },
          name,
        ),
    )
    const faults = new Faults({ world, network, daemon, disk, hosts, tell })
    daemon.start()
    for (const host of hosts) host.start()
    for (const client of clients) client.start(4, chaosMs)
    faults.begin()
    const run = async (untilMs: number, isOver: () => boolean): Promise<void> => {
      while (checks.violations.length === 0 && !isOver() && (await world.step(untilMs))) {
        for (const job of dirty) await checks.readJob(job)
        dirty.clear()
        checks.afterStep(hosts)
      }
    }
    await run(chaosMs, () => false)
    faults.end()
    const isOver = (): boolean => clients.every(({ isDone }) => isDone) && checks.unfinished.length === 0
    await run(chaosMs + CALM_MS, isOver)
    await checks.readAll()
    if (!isOver()) checks.fault(`never ended: ${checks.unfinished.join()}`)
    const { stepCount, nowMs: simulatedMs, trace } = world
    return { violations: checks.violations, stepCount, simulatedMs, trace, summary: checks.summary() }
  } finally {
    store.close()
  }
}

async function setUp(store: Store, account: KeyLogin): Promise<void> {
  const { user, keys, salt, iterations } = account
  await store.addUser(user, 'admin', true, credentialOf(keys, salt, iterations), 0)
  for (const [name, definition] of Object.entries(ACTIONS))
    await store.putAction(nameOf(name), completeDefinition({ command: ['true'], ...definition }), false, 0)
}

/** The store with a note of each job that may have changed. */
const noting = (store: Store, dirty: Set<JobId>): Store => ({
  ...store,
  async insertJobs(jobs) {
    const inserted = await store.insertJobs(jobs)
    for (const job of inserted.jobs) dirty.add(job)
    return inserted
  },
  applyEvent(job, event, version) {
    dirty.add(job)
    return store.applyEvent(job, event, version)
  },
})

/** Our own faults are violations too. */
const watchedLog = (checks: Checks, tell: (line: string) => void): Log =>
  recordLog('debug', ({ level, message, facts, stack }) => {
    tell(`${level} ${message} ${JSON.stringify(facts ?? {})} ${stack ?? ''}`)
    if (message === 'a request failed inside the daemon') checks.fault(`${message}: ${stack}`)
  })
