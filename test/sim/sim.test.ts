import t, { type Test } from 'tap'
import { FAULTS } from './faults.js'
import { openSeeds } from './seeds.js'
import { createSimulation, type Simulation } from './simulation.js'

/** Seeds of each run of the tests; `npm run sim -- --seeds N` runs more. */
const SEEDS = 200
/** A simulation in which something seldom happens says little about it. */
const OFTEN = 10
const EVENTS = [
  'a log was cut by cut',
  'a log was cut by stop',
  'a job was stopped at its log limit',
  'a job was stopped at its time limit',
  'files travelled with a job',
  'artifacts were kept',
  'a log was followed to its end',
  'a log was followed over a loss of power',
  'a stale token was tried',
]

const seeds = openSeeds(t)

async function calm(t: Test, seed = 1): Promise<Simulation> {
  const simulation = await createSimulation({ seed, dataDir: seeds.directory() })
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
    await seeds.run(7, { tell: line => void lines[0]?.push(line) }),
    await seeds.run(7, { tell: line => void lines[1]?.push(line) }),
  ]
  t.strictSame(second, first)
  t.strictSame(lines[1], lines[0])
  t.not((await seeds.run(8)).trace, first.trace, 'another seed is another run')
})

t.test(`${SEEDS} seeds keep every promise, and meet what they are to meet`, async t => {
  const seen = new Map<string, number>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await seeds.run(seed)
    if (result.violations.length > 0) t.fail(`npm run sim -- --seed ${seed}`, { violations: result.violations })
    for (const [event, count] of result.seen) seen.set(event, (seen.get(event) ?? 0) + count)
  }
  for (const event of [...EVENTS, ...FAULTS])
    t.ok((seen.get(event) ?? 0) >= OFTEN, `${seen.get(event)} times: ${event}`)
})
