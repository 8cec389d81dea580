import t from 'tap'
import type { Store } from '../../../lib/store/store.js'
import { LIMITS } from '../../../protocol/limits.js'
import { settle } from '../../helpers/clock.js'
import { startWorld, type World } from './world.js'

/** How many times were observed, and what they come to. */
function observed({ metrics }: World, histogram: 'queueWait' | 'dispatch'): { count: number; sumMs: number } {
  const { counts, sumMs } = metrics.observed(histogram)
  return { count: counts.reduce((sum, count) => sum + count, 0), sumMs }
}

t.test('the wait of a job counts once, from its queueing to the start of its first attempt', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { command: ['true'], leaseMs: 3_000, retries: 1 })
  await w.queue('a')
  await w.attach(1, 'w')
  await w.clock.advance(7_000)
  await w.run(1)
  t.strictSame(observed(w, 'queueWait'), { count: 1, sumMs: 7_000 })
  await w.clock.advance(3_000 + LIMITS.leaseMarginMs.value + 1_000)
  await settle()
  t.equal(w.metrics.counted('leaseExpired'), 1)
  await w.attach(2, 'w2')
  const { grant } = await w.run(2)
  t.equal(grant.attempt, 2)
  t.equal(observed(w, 'queueWait').count, 1, 'the second attempt is no new job')
})

t.test('dispatch counts from when both the job and a claim were there, as the writer heard of them', async t => {
  // A commit takes 30 ms here, and to read what is granted 4.
  const slowStore = (store: Store): Store => ({
    ...store,
    async insertJobs(jobs) {
      const inserted = await store.insertJobs(jobs)
      await w.clock.advance(30)
      return inserted
    },
    async readOrder(job) {
      await w.clock.advance(4)
      return store.readOrder(job)
    },
  })
  const w: World = await startWorld(t, { store: slowStore })
  await w.addAction('a', { command: ['true'], runningMax: 1 })
  await w.attach(1, 'w')
  const parked = w.claim(1, 60_000)
  await w.clock.advance(1_000)
  await w.queue('a')
  const grant = (await parked)!
  await w.writer.acknowledge(1, grant.job, grant.lease)
  t.strictSame(observed(w, 'dispatch'), { count: 1, sumMs: 34 }, 'the claim was there, the job came')

  await w.queue('a')
  const atLimit = w.claim(1, 60_000)
  await w.clock.advance(1_000)
  await w.finish(grant)
  const second = (await atLimit)!
  t.strictSame(observed(w, 'dispatch'), { count: 2, sumMs: 38 }, 'both were there, and then it might run')

  await w.writer.acknowledge(1, second.job, second.lease)
  await w.queue('a')
  await w.finish(second)
  await w.clock.advance(1_000)
  t.ok(await w.claim(1))
  t.strictSame(observed(w, 'dispatch'), { count: 3, sumMs: 42 }, 'the job was there, the claim came')
})

t.test('each end of a job is counted, and a repeated one only once', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { command: ['true'], leaseMs: 3_000 })
  const jobs = await w.queue('a', { count: 5 })
  t.equal(w.metrics.counted('queued'), 5)
  await w.attach(1, 'w')
  const ends = [{ exitCode: 0 }, { exitCode: 1 }, { reason: 'time-limit' }] as const
  for (const end of ends) {
    const { grant } = await w.run(1)
    await w.finish(grant, end)
    await w.finish(grant, end)
  }
  await w.writer.stopJob(jobs[3]!)
  await w.writer.stopJob(jobs[3]!)
  await w.run(1)
  await w.clock.advance(3_000 + LIMITS.leaseMarginMs.value + 1_000)
  await settle()
  const counted = (['succeeded', 'failed', 'timeLimit', 'stopped', 'workerLost'] as const).map(w.metrics.counted)
  t.strictSame(counted, [1, 1, 1, 1, 1])
})
