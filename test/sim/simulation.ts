import { type Log, recordLog } from '../../lib/base/log.js'
import { completeDefinition } from '../../lib/domain/action.js'
import type { Store } from '../../lib/store/store.js'
import type { WorkerMode } from '../../lib/worker/worker.js'
import { type Name, parseName } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../protocol/scram.js'
import type { Definition } from '../../protocol/views.js'
import type { KeyLogin } from '../helpers/daemon.js'
import { Checks } from './checks.js'
import { SimClient } from './clients.js'
import { type Broken, SimDaemon } from './daemon.js'
import { Database } from './database.js'
import { type Disk, isFailure } from './disk.js'
import { Faults } from './faults.js'
import { Ghost } from './ghost.js'
import { Host } from './host.js'
import { MemoryDisk } from './memory-blobs.js'
import { Network } from './network.js'
import { SimReader } from './readers.js'
import { World } from './world.js'

export interface SimulationOptions {
  readonly seed: number
  /** An empty directory for the database. */
  readonly dataDir: string
  /** How long things go wrong, simulated ms. */
  readonly chaosMs?: number
  readonly broken?: Broken & { readonly hasGuard?: boolean; readonly repliesEarly?: boolean }
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
  readonly summary: ReturnType<Checks['summary']>
  /** What came about, and how often: also what went wrong. */
  readonly seen: ReadonlyMap<string, number>
}

const nameOf = (text: string): Name => parseName(text) as Name

const CHAOS_MS = 20_000
const REQUESTS_EACH = 4
/** Every job must have ended when nothing has gone wrong for so long. */
const CALM_MS = 120_000
const ACTIONS = {
  short: { leaseMs: 3_000, retries: 2 },
  kept: { leaseMs: 4_000, retries: 1, artifacts: ['**'], runningMax: 2 },
  cut: { leaseMs: 3_000, retries: 2, logLimitBytes: 8_000 },
  endless: { leaseMs: 3_000, retries: 1, logLimitBytes: 8_000, onLogLimit: 'stop', graceMs: 500 },
  limited: { leaseMs: 3_000, retries: 1, timeLimitMs: 3_000, graceMs: 500 },
} as const satisfies Record<string, Definition>
/** A looping worker on two of the machines, one that is started for each job on the third. */
const HOSTS: Readonly<Record<string, WorkerMode>> = {
  first: { kind: 'loop' },
  second: { kind: 'loop' },
  third: { kind: 'once', wait: true },
}
const login = (async (): Promise<KeyLogin> => {
  const [salt, iterations] = [new Uint8Array(16), LIMITS.scramIterationsMin.value]
  return { user: nameOf('somebody'), salt, iterations, keys: await deriveKeys('simulated', salt, iterations) }
})()

/** What a test drives: nothing happens before `run`, and nothing goes wrong by itself. */
export interface Simulation {
  readonly world: World
  readonly network: Network
  readonly daemon: SimDaemon
  readonly hosts: readonly Host[]
  readonly clients: readonly SimClient[]
  readonly reader: SimReader
  readonly ghost: Ghost
  readonly disk: Disk
  readonly checks: Checks
  /** Goes on until that time, a broken promise, or until `isOver`. */
  run(untilMs: number, isOver?: () => boolean): Promise<void>
  close(): void
}

/** Runs one seed to its end: a daemon, three machines and two clients, first in chaos, then in calm. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { chaosMs = CHAOS_MS } = options
  const simulation = await createSimulation(options)
  const { world, daemon, hosts, clients, reader, ghost, checks, run } = simulation
  try {
    const tell = (line: string): void => options.tell?.(`${String(world.nowMs).padStart(7)} * ${line}`)
    const faults = new Faults({ ...simulation, tell, onFault: kind => checks.saw(kind) })
    daemon.start()
    for (const host of hosts) host.start()
    for (const client of clients) client.start(REQUESTS_EACH, chaosMs)
    reader.start(chaosMs)
    ghost.start(chaosMs)
    faults.begin()
    await run(chaosMs)
    faults.end()
    const isOver = (): boolean => [...clients, reader].every(({ isDone }) => isDone) && checks.unfinished.length === 0
    await run(chaosMs + CALM_MS, isOver)
    if (checks.violations.length === 0) await checks.readAll()
    if (checks.violations.length === 0 && !isOver()) checks.fault(`jobs that never ended: ${checks.unfinished.join()}`)
    const { stepCount, nowMs: simulatedMs, trace } = world
    return {
      violations: checks.violations,
      stepCount,
      simulatedMs,
      trace,
      summary: checks.summary(),
      seen: checks.seen,
    }
  } finally {
    simulation.close()
  }
}

export async function createSimulation(options: SimulationOptions): Promise<Simulation> {
  const { seed, dataDir, broken = {} } = options
  const world = new World(seed)
  const tell = (line: string): void => options.tell?.(`${String(world.nowMs).padStart(7)} ${line}`)
  const database = new Database(dataDir, world, broken.repliesEarly ?? false, tell)
  const account = await login
  await setUp(database.store, account)
  const blobs = new MemoryDisk()
  const checks = new Checks(world, database.store, blobs)
  const log = watchedLog(checks, tell)
  const network = new Network(world)
  const disk: Disk = { isFull: false, failing: 0, writeMsMax: 0 }
  const onKill = (): void => database.onKill()
  const onFinish = checks.finishAsked.bind(checks)
  const daemon = new SimDaemon({ world, network, store: database.store, blobs, disk, log, broken, onFinish, onKill })
  const onAttempt = checks.made.bind(checks)
  const parts = { world, network, login: account, log, onAttempt, hasGuard: broken.hasGuard ?? true }
  const people = { world, network, login: account, onFault: checks.fault.bind(checks) }
  const clientParts = {
    ...people,
    actions: Object.keys(ACTIONS),
    onQueued: checks.queued.bind(checks),
  }
  const reader = new SimReader({
    ...people,
    jobs: () => [...checks.acknowledged],
    cutCount: () => blobs.cutCount,
    onRead: checks.read.bind(checks),
    onEnd: checks.readToEnd.bind(checks),
  })
  const ghost = new Ghost({
    ...people,
    stale: checks.stale.bind(checks),
    onTried: () => checks.saw('a stale token was tried'),
  })
  const hosts = Object.entries(HOSTS).map(([name, mode]) => new Host(parts, name, mode))
  const clients = ['alice', 'bob'].map(name => new SimClient(clientParts, name))
  return {
    ...{ world, network, daemon, hosts, clients, reader, ghost, disk, checks },
    async run(untilMs, isOver = () => false) {
      while (checks.violations.length === 0 && !isOver() && (await world.step(untilMs))) {
        if (database.takeRestored()) await checks.readAll()
        for (const job of database.takeChanged()) await checks.readJob(job)
        checks.afterStep(hosts)
      }
    },
    close: () => database.close(),
  }
}

async function setUp(store: Store, account: KeyLogin): Promise<void> {
  const { user, keys, salt, iterations } = account
  await store.addUser(user, 'admin', true, credentialOf(keys, salt, iterations), 0)
  for (const [name, definition] of Object.entries(ACTIONS))
    await store.putAction(nameOf(name), completeDefinition({ command: ['true'], ...definition }), false, 0)
}

/** Our own faults are violations too. */
const watchedLog = (checks: Checks, tell: (line: string) => void): Log =>
  recordLog('debug', ({ level, message, facts, stack }) => {
    tell(`${level} ${message} ${JSON.stringify(facts ?? {})} ${stack?.split('\n')[0] ?? ''}`.trimEnd())
    if (message === 'a request failed inside the daemon' && !isFailure(stack)) checks.fault(`${message}: ${stack}`)
  })
