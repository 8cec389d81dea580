import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Clock } from '../../../lib/base/clock.js'
import { silentLog } from '../../../lib/base/log.js'
import { BUNDLE_FOLDERS, createRemoval, type Removal } from '../../../lib/blobs/removal.js'
import {
  JOBS_MAX,
  pruneQueue,
  removeBundles,
  removePruned,
  startRetention,
} from '../../../lib/server/writer/retention.js'
import { openBackupLock, takeBackupLock } from '../../../lib/store/backup-lock.js'
import type { JobId } from '../../../protocol/ids.js'
import { until } from '../../helpers/clock.js'
import { startDaemonInProcess, type TestDaemon } from '../../helpers/daemon.js'
import { attachParams, name, newClaim, newKey, streamOf, takeJob } from '../connection/running.js'

const MINUTE_MS = 60_000
/** There is no backup. */
const backupLock = { isTaken: () => false }

/** Jobs that wrote `hello` each, one minute apart. */
async function endedJobs(t: Test, count: number): Promise<{ daemon: TestDaemon; jobs: readonly JobId[] }> {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: name('build'), command: ['make'] })
  const { jobs } = await admin.call('job.queue', { action: name('build'), key: newKey(), count })
  const worker = await daemon.client('worker')
  await worker.call('worker.attach', attachParams('box'))
  for (let i = 0; i < count; i++) {
    const { job, lease } = await takeJob(worker)
    await worker.call('job.finish', { job, lease, exitCode: 0, stdout: streamOf('hello', 5), stderr: streamOf('') })
    daemon.clock.step(MINUTE_MS)
  }
  return { daemon, jobs }
}

const prunedOf = async ({ store }: TestDaemon, jobs: readonly JobId[]): Promise<boolean[]> =>
  Promise.all(jobs.map(async job => (await store.readPrunedAtMs(job)) !== undefined))

t.test('what its limits do not keep goes by itself, and pinned jobs stay', async t => {
  const { daemon, jobs } = await endedJobs(t, 5)
  const { store, clock } = daemon
  const admin = await daemon.client('admin')
  t.strictSame(await admin.call('job.pin', { job: jobs[0] as JobId }), { changed: true })
  const parts = { store, removal: createRemoval(daemon.dataDir), backupLock, clock, log: silentLog }
  const retention = startRetention(parts, { limits: {}, actions: new Map() })
  t.teardown(() => retention.stop())
  await clock.advance(10_000)
  t.strictSame(await prunedOf(daemon, jobs), [false, false, false, false, false])
  retention.configure({ limits: {}, actions: new Map([['build', { jobsMax: 2 }]]) })
  for (let left = 1; left > 0 || (await store.readPrunedAtMs(jobs[2] as JobId)) === undefined; ) {
    await clock.advance(1_000)
    left = (await store.listUnremoved(9)).length
  }
  t.strictSame(await prunedOf(daemon, jobs), [false, true, true, false, false])
  for (const [index, bytes] of [5, 0, 0, 5, 5].entries())
    t.match(await daemon.blobs.lengths({ job: jobs[index] as JobId, attempt: 1 }), { stdout: bytes })
  retention.stop()
})

t.test('a step gives up few jobs, however many are due, and a claim is answered meanwhile', async t => {
  const { daemon } = await endedJobs(t, 3 * JOBS_MAX + 1)
  const { store, clock } = daemon
  const admin = await daemon.client('admin')
  const worker = await daemon.client('worker')
  await worker.call('worker.attach', attachParams('other'))
  const steps: { pruned: number; removed: number }[] = []
  const last = () => steps.at(-1)!
  let isWaiting = false
  const counting: Clock = {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after(delayMs, callback) {
      isWaiting = true
      return clock.after(delayMs, () => {
        isWaiting = false
        steps.push({ pruned: 0, removed: 0 })
        callback()
      })
    },
  }
  const removal: Removal = {
    ...createRemoval(daemon.dataDir),
    removeJobs: async jobs => {
      last().removed += jobs.length
    },
  }
  const watched: Parameters<typeof startRetention>[0]['store'] = {
    ...store,
    async pruneJobs(jobs, nowMs) {
      last().pruned += jobs.length
      // Asked for in the middle of a step.
      await admin.call('job.queue', { action: name('build'), key: newKey() })
      const { grant } = await worker.call('job.claim', { claim: newClaim(), waitMs: 0 })
      t.ok(grant, 'granted while the step is not over')
      await worker.call('job.decline', { job: grant!.job, lease: grant!.lease })
      return await store.pruneJobs(jobs, nowMs)
    },
  }
  const config = { limits: { ageMs: 1 }, actions: new Map() }
  const retention = startRetention({ store: watched, removal, backupLock, clock: counting, log: silentLog }, config)
  t.teardown(() => retention.stop())
  do {
    const { length } = steps
    await clock.advance(1_000)
    await until(() => isWaiting && steps.length > length, 'the step is over')
  } while (last().pruned + last().removed > 0)
  retention.stop()
  t.strictSame(
    steps.filter(({ pruned, removed }) => pruned > JOBS_MAX || removed > JOBS_MAX),
    [],
  )
  const total = (of: 'pruned' | 'removed') => steps.reduce((sum, step) => sum + step[of], 0)
  t.ok(total('pruned') > 3 * JOBS_MAX, 'all of them went, in several steps')
  t.equal(total('removed'), total('pruned'))
})

t.test('who asks for the log or the artifacts of a pruned job is told so', async t => {
  const { daemon, jobs } = await endedJobs(t, 1)
  const [job] = jobs as [JobId]
  const { store, clock } = daemon
  const parts = { store, removal: createRemoval(daemon.dataDir), backupLock, clock }
  const [kept] = await store.listKept(undefined, 1)
  t.equal(await pruneQueue(parts, kept!, { ageMs: MINUTE_MS }), 0, 'just as old')
  t.equal(await pruneQueue(parts, kept!, { ageMs: MINUTE_MS - 1 }), 1)
  const reader = await daemon.client('reader')
  const log = { job, stream: 'all', offset: 0, bytesMax: 100 } as const
  await t.rejects(reader.call('job.log', log), { code: 'E_PRUNED' }, 'also while the files are there')
  t.equal(await removePruned(parts), 1)
  await t.rejects(reader.call('job.log', { ...log, waitMs: 1_000 }), { code: 'E_PRUNED' })
  const { jobs: seen } = await reader.call('job.query', { jobs: [job] })
  t.match(seen, [{ state: 'COMPLETE', logBytes: 5, prunedAtMs: Number }])
  const admin = await daemon.client('admin')
  await t.rejects(admin.call('job.pin', { job }), { code: 'E_PRUNED' })
})

t.test('files that could not be removed are removed another time', async t => {
  const { daemon, jobs } = await endedJobs(t, 1)
  const { store, clock } = daemon
  const files = createRemoval(daemon.dataDir)
  let isBroken = true
  const removal: Removal = {
    ...files,
    removeJobs: async left => {
      if (isBroken) throw Object.assign(new Error('broken'), { code: 'EIO' })
      await files.removeJobs(left)
    },
  }
  const [kept] = await store.listKept(undefined, 1)
  await pruneQueue({ store, removal, backupLock, clock }, kept!, { ageMs: 1 })
  await t.rejects(removePruned({ store, removal, backupLock, clock }), { code: 'EIO' })
  t.match(await daemon.blobs.lengths({ job: jobs[0] as JobId, attempt: 1 }), { stdout: 5 })
  isBroken = false
  t.equal(await removePruned({ store, removal, backupLock, clock }), 1)
  t.equal(await removePruned({ store, removal, backupLock, clock }), 0)
  t.match(await daemon.blobs.lengths({ job: jobs[0] as JobId, attempt: 1 }), { stdout: 0 })
})

t.test('while a backup is written rows are pruned, and no file goes', async t => {
  const { daemon, jobs } = await endedJobs(t, 1)
  const { store, clock, dataDir } = daemon
  const bundle = 'ab'.repeat(32)
  const bundleFile = join(dataDir, 'bundles', 'ab', `${bundle}.zip`)
  mkdirSync(join(bundleFile, '..'), { recursive: true })
  writeFileSync(bundleFile, '')
  utimesSync(bundleFile, 1, 1)
  const lock = openBackupLock(dataDir)
  t.teardown(() => lock.close())
  const parts = { store, removal: createRemoval(dataDir), backupLock: lock, clock }
  const sweepAll = async (): Promise<number> => {
    let removed = 0
    for (let folder = 0; folder < BUNDLE_FOLDERS; folder++) removed += await removeBundles(parts)
    return removed
  }
  const backups = [takeBackupLock(dataDir), takeBackupLock(dataDir)]
  const [kept] = await store.listKept(undefined, 1)
  t.equal(await pruneQueue(parts, kept!, { ageMs: 1 }), 1)
  for (const backup of backups) {
    t.equal(await removePruned(parts), 0)
    t.equal(await sweepAll(), 0)
    backup.release()
  }
  t.match(await daemon.blobs.lengths({ job: jobs[0] as JobId, attempt: 1 }), { stdout: 5 })
  t.equal(await removePruned(parts), 1)
  t.equal(await sweepAll(), 1)
})

t.test('users pin and unpin their own jobs', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: name('build'), command: ['make'] })
  const mine = await daemon.client('user')
  const other = await daemon.client('user')
  const { jobs } = await mine.call('job.queue', { action: name('build'), key: newKey() })
  const [job] = jobs as [JobId]
  await t.rejects(other.call('job.pin', { job }), { code: 'E_FORBIDDEN' })
  t.strictSame(await mine.call('job.pin', { job }), { changed: true })
  t.match((await mine.call('job.query', { jobs: [job] })).jobs, [{ pinned: true }])
  await t.rejects(other.call('job.unpin', { job }), { code: 'E_FORBIDDEN' })
  t.strictSame(await admin.call('job.unpin', { job }), { changed: true })
  t.strictSame(await mine.call('job.unpin', { job }), { changed: false })
  await t.rejects(mine.call('job.unpin', { job: 77 as JobId }), { code: 'E_JOB_NOT_FOUND' })
})
