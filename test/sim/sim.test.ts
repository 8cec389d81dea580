import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MUTATIONS } from './mutations.js'
import { makeScratch } from './scratch.js'
import { createSimulation, type Simulation, type SimulationOptions, simulate } from './simulation.js'

/** Seeds of each run of the tests; `npm run sim -- --seeds N` runs more. */
const SEEDS = 200
/** A fault that is put in must be found within so many. */
const SEEDS_MAX = 1_000

const base = makeScratch()
t.teardown(() => rmSync(base, { recursive: true, force: true }))
let databases = 0

/** Runs one seed on a database of its own. */
async function runSeed(seed: number, options: Omit<SimulationOptions, 'seed' | 'dataDir'> = {}) {
  const dataDir = join(base, String(++databases))
  try {
    return await simulate({ seed, dataDir, ...options })
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function calm(t: Test, seed = 1): Promise<Simulation> {
  const simulation = await createSimulation({ seed, dataDir: join(base, String(++databases)) })
  t.teardown(() => simulation.close())
  return simulation
}

/** Everything has been started and one job runs on the first machine. */
async function withRunningJob(t: Test, seed?: number): Promise<Simulation> {
  const simulation = await calm(t, seed)
  const { daemon, hosts, clients, run } = simulation
  const [first] = hosts
  daemon.start()
  first?.start()
  clients[0]?.start(1, 0)
  await run(60_000, () => (first?.machine.processes.length ?? 0) > 0)
  t.equal(first?.machine.processes.length, 1, 'a job runs')
  return simulation
}

t.test('without faults every job that was acknowledged ends, and no promise is broken', async t => {
  const { daemon, hosts, clients, checks, run } = await calm(t)
  daemon.start()
  for (const host of hosts) host.start()
  for (const client of clients) client.start(3, 5_000)
  await run(120_000, () => clients.every(({ isDone }) => isDone) && checks.unfinished.length === 0)
  t.strictSame(checks.violations, [])
  const { COMPLETE = 0, CANCELLED = 0, TIMEOUT = 0 } = checks.summary()
  t.ok(checks.acknowledged.size >= 6, 'jobs were queued')
  t.equal(COMPLETE + CANCELLED + TIMEOUT, checks.acknowledged.size)
})

t.test('a worker that dies in the moment in which a job begins has told the guard of its lease', async t => {
  for (let seed = 1; seed <= 20; seed++) {
    const { world, hosts, run } = await withRunningJob(t, seed)
    const [first] = hosts
    first?.killWorker()
    await run(world.nowMs + 5_000)
    t.equal(first?.machine.processes.length, 0, `seed ${seed}: the guard has ended the job`)
  }
})

t.test('a lease that passed while there was no daemon is not held again when it is back', async t => {
  const { world, daemon, hosts, checks, run } = await withRunningJob(t)
  const [first] = hosts
  daemon.kill(false)
  first?.killWorker()
  await run(world.nowMs + 8_000)
  t.equal(first?.machine.processes.length, 0, 'the guard has ended the job')
  first?.start()
  await run(world.nowMs + 2_000)
  daemon.start()
  await run(world.nowMs + 60_000, () => checks.unfinished.length === 0)
  t.strictSame(checks.unfinished, [], 'the job was given to a worker again, or is TIMEOUT')
  t.strictSame(checks.violations, [])
})

t.test('a seed replays exactly', async t => {
  const lines: string[][] = [[], []]
  const [first, second] = [
    await runSeed(7, { tell: line => void lines[0]?.push(line) }),
    await runSeed(7, { tell: line => void lines[1]?.push(line) }),
  ]
  t.strictSame(second, first)
  t.strictSame(lines[1], lines[0])
  t.not((await runSeed(8)).trace, first.trace, 'another seed is another run')
})

t.test(`${SEEDS} seeds keep every promise`, async t => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violations } = await runSeed(seed)
    if (violations.length > 0) t.fail(`npm run sim -- --seed ${seed}`, { violations })
  }
  t.pass('all seeds have run')
})

for (const [name, broken] of Object.entries(MUTATIONS))
  t.test(`jankins ${name} breaks a promise, and is found`, async t => {
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      const { violations } = await runSeed(seed, { broken })
      if (violations.length === 0) continue
      t.comment(`seed ${seed}: ${violations[0]}`)
      return
    }
    t.fail(`not found within ${SEEDS_MAX} seeds`)
  })
