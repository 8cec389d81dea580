import t from 'tap'
import type { JobId } from '../../../protocol/ids.js'
import { settle } from '../../helpers/clock.js'
import { startWorld, type World } from './world.js'

/** Whether a promise is settled once everything has run that can run. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  void promise.then(() => {
    done = true
  })
  await settle()
  return done
}

async function running(w: World) {
  await w.addAction('a', { command: ['true'], leaseMs: 3_000, retries: 1 })
  const [job] = await w.queue('a')
  await w.attach(1, 'w')
  return { job: job!, ...(await w.run(1)) }
}

t.test('a wait for the end is over when the job ends, however it ends', async t => {
  const w = await startWorld(t)
  const { job, grant } = await running(w)
  const finished = w.writer.waitForEnd(5, job, 60_000)
  t.notOk(await isDone(finished))
  await w.finish(grant)
  t.ok(await isDone(finished))
  t.ok(await isDone(w.writer.waitForEnd(5, job, 60_000)), 'asked after the end')
  const [pending] = await w.queue('a')
  const cancelled = w.writer.waitForEnd(5, pending!, 60_000)
  t.notOk(await isDone(cancelled))
  await w.writer.stopJob(pending!)
  t.ok(await isDone(cancelled))
  t.ok(await isDone(w.writer.waitForEnd(5, 999 as JobId, 60_000)), 'a job that does not exist')
})

t.test('a wait for the end goes on when a job is to be run again', async t => {
  const w = await startWorld(t)
  const { job } = await running(w)
  const ended = w.writer.waitForEnd(5, job, 60_000)
  const log = w.writer.waitForLog(5, job, 0, 60_000)
  await w.clock.advance(8_500)
  t.equal(await w.stateOf(job), 'PENDING')
  t.notOk(await isDone(ended))
  t.ok(await isDone(log), 'the log of the attempt is complete')
})

t.test('a wait is over after its time, and with its connection', async t => {
  const w = await startWorld(t)
  const { job } = await running(w)
  t.ok(await isDone(w.writer.waitForEnd(5, job, 0)))
  const timed = [w.writer.waitForEnd(5, job, 1_000), w.writer.waitForLog(5, job, 0, 1_000)]
  const closed = [w.writer.waitForEnd(6, job, 60_000), w.writer.waitForLog(6, job, 0, 60_000)]
  await w.clock.advance(999)
  t.strictSame(await Promise.all([...timed, ...closed].map(isDone)), [false, false, false, false])
  await w.clock.advance(1)
  t.strictSame(await Promise.all([...timed, ...closed].map(isDone)), [true, true, false, false])
  await w.writer.connectionClosed(6)
  t.strictSame(await Promise.all(closed.map(isDone)), [true, true])
})

t.test('a wait that is cancelled is over at once, and no other', async t => {
  const w = await startWorld(t)
  const { job } = await running(w)
  const timerCount = w.clock.pendingCount
  const end = w.writer.waitForEnd(5, job, 60_000, 1)
  const log = w.writer.waitForLog(5, job, 0, 60_000, 2)
  const others = [w.writer.waitForEnd(6, job, 60_000, 1), w.writer.waitForEnd(5, job, 60_000, 3)]
  await w.writer.cancelWait(5, 99)
  await w.writer.cancelWait(7, 1)
  t.strictSame(await Promise.all([end, log, ...others].map(isDone)), [false, false, false, false])
  await w.writer.cancelWait(5, 1)
  await w.writer.cancelWait(5, 2)
  await w.writer.cancelWait(5, 2)
  t.strictSame(await Promise.all([end, log, ...others].map(isDone)), [true, true, false, false])
  t.equal(w.clock.pendingCount, timerCount + 2, 'their timers are gone')
  await w.writer.connectionClosed(5)
  await w.writer.connectionClosed(6)
})

t.test('a follower is woken by the start of the job, by growth of its log, and by its end', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const [job] = await w.queue('a')
  await w.attach(1, 'w')
  const start = w.writer.waitForLog(5, job!, 0, 60_000)
  t.notOk(await isDone(start))
  const { grant, held } = await w.run(1)
  t.ok(await isDone(start))
  const growth = w.writer.waitForLog(5, job!, 0, 60_000)
  t.notOk(await isDone(growth))
  t.equal(w.leaseSlots.noteLog(held.slot, 10), true, 'somebody follows')
  await w.writer.logGrew(job!)
  t.ok(await isDone(growth))
  t.equal(w.leaseSlots.noteLog(held.slot, 20), false, 'nobody follows any more')
  t.ok(await isDone(w.writer.waitForLog(5, job!, 10, 60_000)), 'it had grown already')
  const end = w.writer.waitForLog(5, job!, 20, 60_000)
  t.notOk(await isDone(end))
  await w.finish(grant)
  t.ok(await isDone(end))
  t.ok(await isDone(w.writer.waitForLog(5, job!, 20, 60_000)), 'asked after the end')
})
