import t from 'tap'
import { SUSPECT_MS } from '../../../lib/server/writer/workers.js'
import type { JobId } from '../../../protocol/ids.js'
import { hex32, nameOf, startWorld, type World } from './world.js'

const why = async (w: World, job: JobId | undefined) => await w.writer.explainWait(job as JobId)

t.test('a job waits because no worker is there, or none with its labels', async t => {
  const w = await startWorld(t)
  await w.addAction('build', { command: ['x'], labels: ['big', 'linux'] })
  const [job] = await w.queue('build')
  t.strictSame(await why(w, job), [{ kind: 'no-worker' }])
  await w.attach(1, 'one', { labels: ['linux'] })
  t.strictSame(await why(w, job), [{ kind: 'no-label', labels: ['big'] }])
  await w.attach(2, 'two', { labels: ['big'] })
  t.strictSame(await why(w, job), [{ kind: 'labels-apart', labels: ['big', 'linux'] }])
  await w.attach(3, 'three', { labels: ['big', 'linux', 'more'] })
  t.strictSame(await why(w, job), [{ kind: 'not-asking', worker: 'three' }])
  await w.writer.connectionClosed(3)
  t.strictSame(await why(w, job), [
    { kind: 'labels-apart', labels: ['big', 'linux'] },
    { kind: 'away', worker: 'three' },
  ])
  await w.store.setUserState(nameOf('bot'), 'disabled', 0)
  t.match((await why(w, job))[1], { kind: 'disabled', worker: 'three' })
})

t.test('a job waits because its action is disabled or full, or others come first', async t => {
  const w = await startWorld(t)
  await w.addAction('one', { command: ['x'], runningMax: 1 })
  await w.attach(1, 'w')
  const [, second, third] = await w.queue('one', { count: 3 })
  const { grant } = await w.run(1)
  t.strictSame(await why(w, second), [
    { kind: 'action-full', count: 1, max: 1 },
    { kind: 'not-asking', worker: 'w' },
  ])
  t.match(await why(w, third), [{ kind: 'action-full' }, { kind: 'behind', count: 1 }])
  await w.finish(grant)
  await w.writer.setActionActive(nameOf('one'), false)
  t.match((await why(w, second))[0], { kind: 'action-disabled' })
  t.strictSame(await why(w, grant.job), [], 'a job that has ended does not wait')
  t.equal(await w.writer.runningOf(nameOf('one')), 0)
  await t.rejects(w.writer.runningOf(nameOf('none')), { code: 'E_ACTION_NOT_FOUND' })
})

t.test('a job waits because workers are busy, silent, drained, or are just taking it', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  await w.attach(1, 'busy')
  const jobs = await w.queue('a', { count: 5 })
  for (let n = 0; n < 4; n++) await w.run(1)
  const last = jobs.at(-1)
  t.strictSame(await why(w, last), [{ kind: 'busy', worker: 'busy', count: 4, max: 4 }])
  await w.attach(2, 'drained')
  await w.writer.drainWorker(nameOf('drained'), true, nameOf('ann'), true)
  t.match((await why(w, last))[1], { kind: 'drained', worker: 'drained' })
  await w.clock.advance(SUSPECT_MS + 1)
  t.match(await why(w, last), [{ kind: 'silent', worker: 'busy' }, { kind: 'drained' }])
  await w.attach(3, 'quick')
  const grant = await w.claim(3)
  t.equal(grant?.job, last)
  t.strictSame(await why(w, last), [{ kind: 'offered', worker: 'quick' }])
})

t.test('a worker that asks is told of, and the first few of many', async t => {
  const w = await startWorld(t)
  await w.addAction('off')
  const [job] = await w.queue('off')
  await w.writer.setActionActive(nameOf('off'), false)
  await w.attach(1, 'asking')
  const claim = w.claim(1, 1_000)
  t.match(await why(w, job), [{ kind: 'action-disabled' }, { kind: 'asking', worker: 'asking' }])
  for (let n = 2; n < 1_100; n++) await w.attach(n, `w-${n}`)
  t.equal((await why(w, job)).length, 1 + 20)
  await w.clock.advance(1_000)
  t.equal(await claim, undefined)
})

t.test('a drained worker gets no job, keeps what it has, and stays drained over a start of the daemon', async t => {
  let w = await startWorld(t)
  const drain = (isDrained: boolean, user = 'ann', ofAny = true) =>
    w.writer.drainWorker(nameOf('w'), isDrained, nameOf(user), ofAny)
  await t.rejects(drain(true), { code: 'E_WORKER_NOT_FOUND' })
  await w.addAction('a')
  await w.attach(1, 'w')
  await w.queue('a')
  const { grant } = await w.run(1)
  await t.rejects(drain(true, 'ann', false), { code: 'E_FORBIDDEN' })
  t.strictSame(await drain(true, 'bot', false), { changed: true, jobs: [grant.job] })
  t.match((await w.writer.listWorkers(undefined, 9)).workers, [{ worker: 'w', drained: true }])
  const [second] = await w.queue('a')
  t.equal(await w.claim(1), undefined, 'nothing at once')
  const parked = w.claim(1, 2_000)
  await w.beatFor(2_000, [])
  t.equal(await parked, undefined, 'nothing later')
  await w.finish(grant)
  t.strictSame(await drain(true), { changed: false, jobs: [] })
  w = await w.restart()
  await w.attach(1, 'w')
  t.equal(await w.claim(1), undefined, 'nothing after a start of the daemon')
  const waiting = w.claim(1, 10_000)
  t.match(await drain(false), { changed: true })
  await w.clock.advance(1_000)
  t.equal((await waiting)?.job, second, 'a parked claim is served when it is undrained')
})

t.test('a worker that came back after a start of the daemon is not idle before it has resumed its job', async t => {
  const before = await startWorld(t)
  await before.addAction('a')
  await before.attach(1, 'w')
  await before.queue('a')
  const { grant } = await before.run(1)
  const w = await before.restart()
  await w.attach(1, 'w')
  t.match((await w.writer.listWorkers(undefined, 9)).workers, [{ worker: 'w', jobs: [grant.job] }])
  const drained = await w.writer.drainWorker(nameOf('w'), true, nameOf('ann'), true)
  t.strictSame(drained, { changed: true, jobs: [grant.job] })
  await w.writer.resume(1, grant.job, grant.lease)
  await w.finish(grant)
  t.match((await w.writer.listWorkers(undefined, 9)).workers, [{ worker: 'w', jobs: [] }])
})

t.test('what a drained worker was offered and has not taken goes to another', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  await w.attach(1, 'first')
  await w.attach(2, 'second')
  await w.queue('a')
  const grant = await w.claim(1)
  t.strictSame((await w.writer.drainWorker(nameOf('first'), true, nameOf('ann'), true)).jobs, [])
  if (grant) await t.rejects(w.writer.acknowledge(1, grant.job, grant.lease), { code: 'E_LEASE_LOST' })
  t.equal((await w.claim(2))?.job, grant?.job)
  t.not(grant?.lease, hex32(0))
})

t.test('a job whose action has secrets waits for a worker that nobody can listen to', async t => {
  const w = await startWorld(t)
  await w.addAction('deploy')
  const [job] = await w.queue('deploy')
  await w.attach(1, 'far')
  await w.writer.setSecret(nameOf('deploy'), { secret: 'TOKEN', sealed: new Uint8Array(40) })
  t.strictSame(await why(w, job), [{ kind: 'not-private', worker: 'far' }])
})
