import type { Test } from 'tap'
import type { Store } from '../../lib/store/store.js'
import type { JobId, Sha256 } from '../../protocol/ids.js'
import type { OpenStore } from './contract.js'
import { acknowledged, finished, insertOne, jobId, newJobs, openForBusiness } from './samples.js'

const BUNDLE = 'ab'.repeat(32) as Sha256

/** A job that ended at `endedAtMs` with a log of 12 bytes and artifacts of 30. */
async function endedJob(store: Store, queue: number, endedAtMs: number, bundle?: Sha256): Promise<JobId> {
  const home = await store.beginEpoch('d')
  const job = await insertOne(store, queue, bundle === undefined ? {} : { bundle })
  await store.applyEvent(job, acknowledged(home, job))
  await store.applyEvent(job, finished(job, { endedAtMs, artifactBytes: 30 }))
  return job
}

export function retentionContract(t: Test, openStore: OpenStore): void {
  t.test('jobs that have ended are kept, in the order of their ends', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    t.strictSame(await store.listKept(undefined, 9), [])
    const late = await endedJob(store, queue, 9_000)
    const early = await endedJob(store, queue, 8_000)
    const waiting = await insertOne(store, queue)
    t.strictSame(await store.listKept(undefined, 9), [{ queue, action: 'compile', jobs: 2, bytes: 84 }])
    t.strictSame(await store.listKept(queue, 9), [], 'queues behind one')
    t.strictSame(await store.readOldestKept(queue, 9), [
      { job: early, endedAtMs: 8_000, bytes: 42 },
      { job: late, endedAtMs: 9_000, bytes: 42 },
    ])
    t.equal((await store.readOldestKept(queue, 1)).length, 1)
    await store.applyEvent(waiting, { kind: 'stop-requested', atMs: 9_500 })
    t.match(await store.listKept(undefined, 9), [{ jobs: 3, bytes: 84 }], 'one that never ran has no bytes')
  })

  t.test('what earlier attempts left counts with the job that left it', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const home = await store.beginEpoch('d')
    const timeLimit = { endedAtMs: 5_000, reason: 'time-limit', logBytes: 100, artifactBytes: 10 } as const
    /** Its first attempt left 7 bytes, the second one 110; it is PENDING now. */
    const retried = async (): Promise<JobId> => {
      const job = await insertOne(store, queue, { retries: 2 })
      await store.applyEvent(job, acknowledged(home, 1))
      await store.applyEvent(job, { kind: 'expired', home, attempt: 1, atMs: 4_000, logBytes: 7 })
      await store.applyEvent(job, acknowledged(home, 2, 'box', 2))
      await store.applyEvent(job, finished(2, timeLimit))
      await store.applyEvent(job, finished(2, timeLimit))
      return job
    }
    const [ended, cancelled] = [await retried(), await retried()]
    t.strictSame(await store.listKept(undefined, 9), [], 'nothing that may go as long as the job may run')
    await store.applyEvent(ended, acknowledged(home, 3, 'box', 3))
    await store.applyEvent(ended, finished(3, { endedAtMs: 8_000, artifactBytes: 30 }))
    await store.applyEvent(cancelled, { kind: 'stop-requested', atMs: 9_000 })
    const kept = [
      { job: ended, endedAtMs: 8_000, bytes: 159 },
      { job: cancelled, endedAtMs: 9_000, bytes: 117 },
    ]
    t.strictSame(await store.readOldestKept(queue, 9), kept)
    t.match(await store.listKept(undefined, 9), [{ jobs: 2, bytes: 276 }])
    t.match(await store.findJob(ended), { logBytes: 12, artifactBytes: 30 }, 'the job shows its last attempt')
    await store.setPinned(ended, true)
    t.match(await store.listKept(undefined, 9), [{ jobs: 1, bytes: 117 }])
    await store.setPinned(ended, false)
    t.strictSame(await store.readOldestKept(queue, 9), kept)
    await store.pruneJobs([ended, cancelled], 10_000)
    t.match(await store.listKept(undefined, 9), [{ jobs: 0, bytes: 0 }])
    t.strictSame(await store.listUnremoved(9), [
      { job: ended, attempt: 3 },
      { job: cancelled, attempt: 3 },
    ])
  })

  t.test('a pruned job says when, is given up once, and its files are told until they are gone', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const job = await endedJob(store, queue, 9_000)
    const waiting = await insertOne(store, queue)
    t.equal(await store.readPrunedAtMs(job), undefined)
    t.strictSame(await store.pruneJobs([job, waiting], 10_000), [job], 'only what has ended')
    t.strictSame(await store.pruneJobs([job], 11_000), [])
    t.equal(await store.readPrunedAtMs(job), 10_000)
    t.match(await store.findJob(job), { prunedAtMs: 10_000, logBytes: 12, artifactBytes: 30, state: 'COMPLETE' })
    t.match(await store.listKept(undefined, 9), [{ jobs: 0, bytes: 0 }])
    t.strictSame(await store.listUnremoved(9), [{ job, attempt: 1 }])
    await store.noteRemoved([job])
    t.strictSame(await store.listUnremoved(9), [])
    await t.rejects(store.setPinned(job, true), { code: 'E_PRUNED' })
  })

  t.test('a pinned job is not kept among those that may go, before and after its end', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const ended = await endedJob(store, queue, 9_000)
    const waiting = await insertOne(store, queue)
    for (const job of [ended, waiting]) {
      t.strictSame(await store.setPinned(job, true), { changed: true })
      t.strictSame(await store.setPinned(job, true), { changed: false })
      t.match(await store.findJob(job), { pinned: true })
    }
    await store.applyEvent(waiting, { kind: 'stop-requested', atMs: 9_500 })
    t.strictSame(await store.readOldestKept(queue, 9), [])
    t.strictSame(await store.pruneJobs([ended, waiting], 10_000), [], 'whoever still takes it for kept')
    for (const job of [ended, waiting]) t.strictSame(await store.setPinned(job, false), { changed: true })
    t.strictSame(await store.setPinned(ended, false), { changed: false })
    t.match(await store.listKept(undefined, 9), [{ jobs: 2, bytes: 42 }])
    t.notMatch(await store.findJob(ended), { pinned: true })
    await t.rejects(store.setPinned(jobId(99), true), { code: 'E_JOB_NOT_FOUND' })
  })

  t.test('a bundle is unused when no job is left that needs it', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    t.strictSame(await store.findUnusedBundles([BUNDLE]), [BUNDLE])
    const first = await endedJob(store, queue, 9_000, BUNDLE)
    const request = newJobs(queue, { count: 2, bundle: BUNDLE })
    const { jobs } = await store.insertJobs(request)
    await store.insertJobs(request)
    for (const job of jobs) await store.applyEvent(job, { kind: 'stop-requested', atMs: 9_500 })
    await store.pruneJobs([first, jobs[0] as JobId], 10_000)
    t.strictSame(await store.findUnusedBundles([BUNDLE]), [], 'one is left')
    await store.pruneJobs([jobs[1] as JobId], 10_000)
    t.strictSame(await store.findUnusedBundles([BUNDLE]), [BUNDLE])
  })
}
