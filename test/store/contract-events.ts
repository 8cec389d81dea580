import type { Test } from 'tap'
import type { JobEvent } from '../../lib/domain/job.js'
import type { OpenStore } from './contract.js'
import { acknowledged, finished, insertOne, name, newJobs, openForBusiness, USER } from './samples.js'

export function eventsContract(t: Test, openStore: OpenStore): void {
  t.test('attempts that are over and requests to stop are kept, in their order', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const home = await store.beginEpoch('d')
    const job = await insertOne(store, queue, { retries: 2 })
    t.strictSame(await store.readJobEvents(job), [])
    await store.applyEvent(job, acknowledged(home, 1, 'one'))
    await store.applyEvent(job, { kind: 'expired', home, attempt: 1, atMs: 5_000, logBytes: 0 })
    await store.applyEvent(job, acknowledged(home, 2, 'two', 2))
    await store.applyEvent(job, finished(2, { endedAtMs: 6_000, reason: 'time-limit' }))
    await store.applyEvent(job, acknowledged(home, 3, 'one', 3))
    await store.applyEvent(job, { kind: 'stop-requested', atMs: 7_000, by: USER })
    await store.applyEvent(job, { kind: 'stop-requested', atMs: 8_000, by: name('late') })
    await store.applyEvent(job, finished(3, { reason: 'stopped' }))
    t.match(await store.readJobEvents(job), [
      { kind: 'attempt-over', attempt: 1, worker: 'one', startedAtMs: Number, atMs: 5_000, reason: 'worker-lost' },
      { kind: 'attempt-over', attempt: 2, worker: 'two', startedAtMs: Number, atMs: 6_000, reason: 'time-limit' },
      { kind: 'stop-requested', attempt: 3, user: USER, atMs: 7_000 },
    ])
    t.equal((await store.readJobEvents(job)).length, 3)
  })

  t.test('the pid of a job that was over soon comes with its end', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const job = await insertOne(store, queue)
    await store.applyEvent(job, acknowledged(await store.beginEpoch('d'), 1))
    await store.applyEvent(job, { ...finished(1), pid: 78 } as JobEvent)
    t.equal((await store.findJob(job))?.pid, 78)
  })

  t.test('a job keeps a bounded number of events', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const home = await store.beginEpoch('d')
    const job = await insertOne(store, queue, { retries: 300 })
    for (let attempt = 1; attempt <= 300; attempt++) {
      await store.applyEvent(job, acknowledged(home, attempt, 'box', attempt))
      await store.applyEvent(job, { kind: 'expired', home, attempt, atMs: attempt, logBytes: 0 })
    }
    const events = await store.readJobEvents(job)
    t.equal(events.length, 256)
    t.match(events.at(-1), { attempt: 256 })
  })

  t.test('workers are drained and undrained', async t => {
    const store = await openStore(t)
    const drained = (worker: string, isDrained: boolean) => store.setWorkerDrained(name(worker), USER, isDrained, 1)
    t.strictSame(await drained('a', true), { changed: true })
    t.strictSame(await drained('a', true), { changed: false })
    await drained('b', true)
    t.strictSame(await store.listDrainedWorkers(), ['a', 'b'])
    t.strictSame(await drained('a', false), { changed: true })
    t.strictSame(await drained('a', false), { changed: false })
    t.strictSame(await store.listDrainedWorkers(), ['b'])
  })

  t.test('an action knows when it was made, and how many jobs of it wait', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    t.equal(await store.findActionFacts(name('none')), undefined)
    t.strictSame(await store.findActionFacts(name('compile')), { createdAtMs: 1_000, pending: 0 })
    await store.insertJobs(newJobs(queue, { count: 1_000 }))
    await store.insertJobs(newJobs(queue, { count: 5 }))
    t.strictSame(await store.findActionFacts(name('compile')), { createdAtMs: 1_000, pending: 1_000 }, 'up to a limit')
  })
}
