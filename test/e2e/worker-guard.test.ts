import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import type { Client } from '../../lib/client/connection.js'
import { isAlive } from '../../lib/worker/machine/proc.js'
import type { JobId } from '../../protocol/ids.js'
import { type Running, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { endOf, processesWith, until } from '../helpers/worker-bench.js'

/** Each of them mostly waits for a lease to end. */
t.jobs = 4

/** Long enough that a busy machine does not lose it before it is meant to be lost. */
const LEASE_MS = 6_000
const TREE = 'setsid sh -c "sleep 600 & (sleep 601 &) ; sleep 602" & setsid sleep 603 & sleep 604'

interface Stage {
  readonly admin: Client
  readonly stateDir: string
  readonly marker: string
  readonly job: JobId
  worker(): Running
}

let marks = 0

/** A job with processes in sessions of their own runs on a worker, under a short lease. */
async function stage(t: Test): Promise<Stage & { readonly first: Running }> {
  const daemon = await startDaemon(t)
  const admin = await daemon.connect()
  const stateDir = join(temporaryDirectory(t), 'state')
  const marker = `GUARD_TEST=${process.pid}-${++marks}`
  const [name = '', value = ''] = marker.split('=')
  const command = ['sh', '-c', TREE]
  const environment: [string, string][] = [[name, value]]
  const { job } = await admin.call('job.exec', { command, environment, leaseMs: LEASE_MS, key: `guard-${marker}` })
  const worker = (): Running =>
    startCli(t, ['work', '--name', 'box', '--dir', stateDir, '--jobs', '2'], { env: daemon.env })
  const first = worker()
  await until('all of the job runs', async () => (await processesWith(marker)).length >= 7)
  return { admin, stateDir, marker, job, worker, first }
}

const guardOf = async (stateDir: string): Promise<{ pid: number; startTicks: number }> => {
  const [pid, startTicks] = (await readFile(join(stateDir, 'guard'), 'utf8')).split(' ')
  return { pid: Number(pid), startTicks: Number(startTicks) }
}
const isGuarding = (guard: { pid: number; startTicks: number }): boolean => isAlive(guard.pid, guard.startTicks)

t.test('a job of a worker that was killed for good is ended before the daemon says TIMEOUT', async t => {
  const { admin, stateDir, marker, job, first } = await stage(t)
  const guard = await guardOf(stateDir)
  first.child.kill('SIGKILL')
  await first.ended
  t.ok((await processesWith(marker)).length >= 7, 'it runs on')
  t.match(await endOf(admin, job), { state: 'TIMEOUT', reason: 'worker-lost' })
  t.strictSame(await processesWith(marker), [])
  await until('the guard has left', () => !isGuarding(guard))
})

t.test('a job of a worker that was stopped for good is ended before the daemon says TIMEOUT', async t => {
  const { admin, stateDir, marker, job, first, worker } = await stage(t)
  const guard = await guardOf(stateDir)
  first.child.kill('SIGSTOP')
  t.match(await endOf(admin, job), { state: 'TIMEOUT', reason: 'worker-lost' })
  t.strictSame(await processesWith(marker), [])
  t.ok(isGuarding(guard), 'the worker may come back')
  first.child.kill('SIGKILL')
  await first.ended
  const second = worker()
  await until('what is left is cleared up', () => second.stderr().includes('lease of a job is lost'))
  second.child.kill('SIGTERM')
  t.equal((await second.ended).code, 0)
})

t.test('a machine that wakes after the lease ends its old copy at once', async t => {
  const { admin, stateDir, marker, job, first } = await stage(t)
  const guard = await guardOf(stateDir)
  // The guard last: as soon as it is awake it ends the others.
  const frozen = [first.child.pid!, ...(await processesWith(marker)), guard.pid]
  for (const pid of frozen) process.kill(pid, 'SIGSTOP')
  t.match(await endOf(admin, job), { state: 'TIMEOUT', reason: 'worker-lost' })
  t.ok((await processesWith(marker)).length >= 7, 'asleep')
  // The worker stays asleep: the guard alone has to do it.
  const wokenAtMs = systemClock.monotonicMs()
  for (const pid of frozen.slice(1)) process.kill(pid, 'SIGCONT')
  await until('nothing is left', async () => (await processesWith(marker)).length === 0)
  t.comment(`ended ${Math.round(systemClock.monotonicMs() - wokenAtMs)} ms after waking`)
  first.child.kill('SIGCONT')
  await until('the worker knows', () => first.stderr().includes('lease of a job is lost'))
  first.child.kill('SIGTERM')
  t.equal((await first.ended).code, 0)
})

t.test('a guard that was killed is replaced, and one whose directory is gone leaves', async t => {
  const { admin, stateDir, marker, job, first } = await stage(t)
  const guard = await guardOf(stateDir)
  process.kill(guard.pid, 'SIGKILL')
  await until('there is another', async () => {
    const now = await guardOf(stateDir)
    return now.pid !== guard.pid && isGuarding(now)
  })
  const second = await guardOf(stateDir)
  await admin.call('job.stop', { job })
  t.match(await endOf(admin, job), { state: 'CANCELLED', reason: 'stopped' })
  t.strictSame(await processesWith(marker), [])
  t.ok(isGuarding(second), 'while the worker lives')
  first.child.kill('SIGKILL')
  await first.ended
  await rm(stateDir, { recursive: true })
  await until('it has left', () => !isGuarding(second))
})
