import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { openBootClock, readBootId } from '../../lib/worker/machine/boot-clock.js'
import { isAlive, readStat } from '../../lib/worker/machine/proc.js'
import { openStateDirectory, randomHex, type StateDirectory } from '../../lib/worker/machine/state-directory.js'
import type { Cookie, GrantRecord } from '../../lib/worker/ports.js'
import type { JobId, LeaseId } from '../../protocol/ids.js'
import type { Grant } from '../../protocol/views.js'
import { nameOf, processesWith, tempDir, until } from '../helpers/worker-bench.js'

const bootClock = openBootClock()
const bootId = readBootId()
let made = 0

async function openState(t: Test): Promise<{ dir: string; state: StateDirectory; release(): Promise<void> }> {
  const dir = await tempDir(t)
  const state = await openStateDirectory(dir, bootId, systemClock)
  let released: Promise<void> | undefined
  const release = (): Promise<void> => {
    released ??= state.release()
    return released
  }
  t.teardown(release)
  return { dir, state, release }
}

const newCookie = (): Cookie => ({ name: 'JANKINS_COOKIE_guardtest', value: randomHex(16) })

const recordOf = (cookie: Cookie): GrantRecord => ({
  grant: { job: ++made as JobId, attempt: 1, lease: randomHex(16) as LeaseId } as Grant,
  server: 'nowhere:1',
  user: nameOf('nobody'),
  cookie,
})

/** A process in a session of its own, as what got away from its job; `exited` is how it ended, seen from its start on. */
function escaped(t: Test, cookie: Cookie, script: string) {
  const child = spawn('sh', ['-c', script], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env.PATH, [cookie.name]: cookie.value },
  })
  t.teardown(() => child.kill('SIGKILL'))
  return { child, exited: once(child, 'exit') }
}

const noteOf = (dir: string): readonly string[] => readFileSync(join(dir, 'guard'), 'latin1').trim().split(' ')
const isGuarding = ([pid, startTicks]: readonly string[]): boolean => isAlive(Number(pid), Number(startTicks))
const isRunning = ({ pid }: ChildProcess): boolean => !['Z', 'X'].includes(readStat(pid!)?.state ?? 'X')
const carriers = ({ name, value }: Cookie): Promise<readonly number[]> => processesWith(`${name}=${value}`)

t.test('only what belongs to a lease that has passed is ended', async t => {
  const { state } = await openState(t)
  const [over, live] = [newCookie(), newCookie()]
  const [first, second] = await Promise.all([state.create(recordOf(over)), state.create(recordOf(live))])
  await second.writeLeaseEnd(bootClock.bootMs() + 600_000)
  const stays = escaped(t, live, 'sleep 600')
  const goes = escaped(t, over, 'sleep 600 & setsid sleep 601 & exec sleep 602')
  await until('all are there', async () => (await carriers(over)).length === 3)
  await first.writeLeaseEnd(bootClock.bootMs() + 1_500)
  t.match(await goes.exited, [null, 'SIGKILL'])
  await until('all are gone', async () => (await carriers(over)).length === 0)
  t.ok(isRunning(stays.child))
})

t.test('what is born while it looks is found', async t => {
  const { state } = await openState(t)
  const cookie = newCookie()
  const attempt = await state.create(recordOf(cookie))
  escaped(t, cookie, 'while :; do sleep 600 & sleep 0.002; done')
  await until('many are there', async () => (await carriers(cookie)).length > 20)
  await attempt.writeLeaseEnd(bootClock.bootMs() - 10)
  await until('all are gone', async () => (await carriers(cookie)).length === 0)
})

t.test('a lease of another life of the machine ends nothing', async t => {
  const dir = await tempDir(t)
  const before = await openStateDirectory(dir, '00000000-0000-0000-0000-000000000000', systemClock)
  const [old, over] = [newCookie(), newCookie()]
  const attempt = await before.create(recordOf(old))
  await attempt.writeLeaseEnd(bootClock.bootMs() - 10)
  await before.release()
  const state = await openStateDirectory(dir, bootId, systemClock)
  t.teardown(() => state.release())
  const [stays, goes] = [escaped(t, old, 'sleep 600'), escaped(t, over, 'sleep 600')]
  await (await state.create(recordOf(over))).writeLeaseEnd(bootClock.bootMs() - 10)
  await goes.exited
  t.ok(isRunning(stays.child))
})

t.test('a guard stays while a lease runs, and leaves when there is neither lease nor worker', async t => {
  const { dir, state, release } = await openState(t)
  const cookie = newCookie()
  const attempt = await state.create(recordOf(cookie))
  const guard = noteOf(dir)
  const job = escaped(t, cookie, 'sleep 600')
  const endsAtBootMs = bootClock.bootMs() + 3_000
  await attempt.writeLeaseEnd(endsAtBootMs)
  await release()
  await job.exited
  t.ok(bootClock.bootMs() >= endsAtBootMs)
  await until('it has left', () => !isGuarding(guard))
  t.equal(noteOf(dir)[0], 'leaving')
})

t.test('the next worker finds the guard of the one before, or puts its own in charge of an older text', async t => {
  const { dir, state, release } = await openState(t)
  await (await state.create(recordOf(newCookie()))).writeLeaseEnd(bootClock.bootMs() + 600_000)
  const guard = noteOf(dir)
  await release()
  const second = await openStateDirectory(dir, bootId, systemClock)
  await second.create(recordOf(newCookie()))
  t.strictSame(noteOf(dir), guard, 'the same one')
  await second.release()
  const text = readFileSync('lib/worker/machine/guard.sh')
  const older = spawn('/bin/sh', ['-s', '--', dir, 'older'], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
  t.teardown(() => older.kill('SIGKILL'))
  older.stdin.end(text)
  await once(older.stdout, 'data')
  t.equal(noteOf(dir)[3], 'older')
  await until('the first has left', () => !isGuarding(guard))
  const third = await openStateDirectory(dir, bootId, systemClock)
  t.teardown(() => third.release())
  const ended = once(older, 'exit')
  for (const attempt of await third.list()) await attempt.remove()
  t.equal(noteOf(dir)[3], guard[3])
  await ended
})

t.test('many that ask at once get one guard', async t => {
  const { dir, state } = await openState(t)
  await Promise.all(Array.from({ length: 8 }, () => state.create(recordOf(newCookie()))))
  t.equal((await processesWithArgument(dir)).length, 1)
})

async function processesWithArgument(text: string): Promise<readonly number[]> {
  const pids = await processesWith('PATH=')
  return pids.filter(pid => {
    try {
      // Not its children, which look like it until they have become another program.
      if (readStat(pid)?.group !== pid) return false
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text)
    } catch {
      return false
    }
  })
}
