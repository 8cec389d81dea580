import { createHash } from 'node:crypto'
import t from 'tap'
import type { JobId, LeaseId, Sha256 } from '../../../../protocol/ids.js'
import { HEARTBEAT_MS, LIMITS } from '../../../../protocol/limits.js'
import { settle, until } from '../../../helpers/clock.js'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { attachParams, EMPTY, hex32, name, newClaim, newKey, runJob, streamOf, takeJob } from '../running.js'

const code = (text: string) => ({ code: text })
const stale = (job: JobId) => ({ job, lease: hex32() as LeaseId })

t.test('a worker that has not attached may neither claim nor beat', async t => {
  const daemon = await startDaemonInProcess(t)
  const worker = await daemon.client('worker')
  const held = stale(1 as JobId)
  await t.rejects(worker.call('job.claim', { claim: newClaim(), waitMs: 0 }), code('E_NOT_ATTACHED'))
  await t.rejects(worker.call('worker.beat', { leases: [], free: 1, load: 0 }), code('E_NOT_ATTACHED'))
  await t.rejects(worker.call('job.acknowledge', held), code('E_NOT_ATTACHED'))
  await t.rejects(worker.call('job.decline', held), code('E_NOT_ATTACHED'))
})

t.test('worker.attach tells the times, and a second live process of the name is refused', async t => {
  const daemon = await startDaemonInProcess(t)
  const login = await daemon.login('worker')
  const first = await daemon.client(login)
  t.strictSame(await first.call('worker.attach', attachParams('box')), {
    heartbeatMs: HEARTBEAT_MS,
    grantMs: LIMITS.grantMs.value,
  })
  const second = await daemon.client(login)
  await t.rejects(second.call('worker.attach', attachParams('box')), code('E_WORKER_NAME_TAKEN'))
  await second.call('worker.attach', attachParams('other'))
  const { workers } = await second.call('worker.list', {})
  t.match(workers, [{ worker: 'box', liveness: 'alive', slots: 4 }, { worker: 'other' }])
  t.match(await second.call('worker.list', { limit: 1 }), { workers: [{ worker: 'box' }], next: 'box' })
  t.match(await second.call('worker.list', { after: name('box') }), { workers: [{ worker: 'other' }] })
})

t.test('a claim is answered when a job is queued', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: name('build'), command: ['make'], environment: [['A', '1']] })
  const worker = await daemon.client('worker')
  await worker.call('worker.attach', attachParams('box'))
  t.strictSame(await worker.call('job.claim', { claim: newClaim(), waitMs: 0 }), {}, 'no job')
  const parked = worker.call('job.claim', { claim: newClaim(), waitMs: 60_000 })
  await settle()
  const { jobs } = await admin.call('job.queue', { action: name('build'), key: newKey(), parameters: [['A', '2']] })
  const { grant } = await parked
  t.match(grant, { job: jobs[0], attempt: 1, action: 'build', command: ['make'], leaseMs: 60_000, graceMs: 10_000 })
  t.strictSame(grant?.environment, [
    ['A', '1'],
    ['A', '2'],
  ])
})

t.test('the same claim again gets the same grant; declined, the job goes to another', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: name('build'), command: ['make'] })
  await admin.call('job.queue', { action: name('build'), key: newKey() })
  const worker = await daemon.client('worker')
  await worker.call('worker.attach', attachParams('box'))
  const claim = newClaim()
  const { grant } = await worker.call('job.claim', { claim, waitMs: 0 })
  if (!grant) throw new Error('no grant')
  t.strictSame(await worker.call('job.claim', { claim, waitMs: 0 }), { grant })
  t.strictSame(await worker.call('job.decline', { job: grant.job, lease: grant.lease }), {})
  await t.rejects(worker.call('job.acknowledge', { job: grant.job, lease: grant.lease }), code('E_LEASE_LOST'))
  t.strictSame(await worker.call('job.decline', { job: grant.job, lease: grant.lease }), {}, 'repeated')
  t.equal((await takeJob(worker)).job, grant.job)
})

t.test('an acknowledged job is RUNNING, and every call about it needs its lease', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  t.strictSame(await worker.call('job.acknowledge', held), {}, 'repeated')
  t.strictSame(await worker.call('job.started', { ...held, pid: 4_711 }), {})
  t.match((await admin.call('job.query', { worker: name('box'), pid: 4_711 })).jobs, [{ job, state: 'RUNNING' }])
  const finish = { exitCode: 0, stdout: EMPTY, stderr: EMPTY }
  const data = Buffer.from('x')
  const fenced = async (who: typeof worker, lease: typeof held): Promise<void> => {
    await t.rejects(who.call('job.started', { ...lease, pid: 1 }), code('E_LEASE_LOST'))
    await t.rejects(who.call('job.append', { ...lease, part: 'stdout', offset: 0, data }), code('E_LEASE_LOST'))
    await t.rejects(who.call('job.finish', { ...lease, ...finish }), code('E_LEASE_LOST'))
    await t.rejects(who.call('bundle.read', { ...lease, offset: 0, bytesMax: 1 }), code('E_LEASE_LOST'))
  }
  await fenced(worker, stale(job))
  await fenced(worker, { ...held, job: (job + 1) as JobId })
  const other = await daemon.client('worker')
  await fenced(other, held)
  await t.rejects(other.call('job.resume', stale(job)), code('E_LEASE_LOST'))
  t.match((await admin.call('job.query', { jobs: [job] })).jobs, [{ state: 'RUNNING', pid: 4_711, logBytes: 0 }])
})

t.test('a beat names leases that are not held here as lost', async t => {
  const daemon = await startDaemonInProcess(t)
  const { worker, held } = await runJob(daemon)
  const strange = hex32() as LeaseId
  const beat = { leases: [held.lease, strange], free: 3, load: 0.5 }
  t.strictSame(await worker.call('worker.beat', beat), { stop: [], lost: [strange] })
  t.match(await worker.call('worker.list', {}), { workers: [{ free: 3, load: 0.5 }] })
  await worker.call('job.finish', { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY })
  t.strictSame(await worker.call('worker.beat', beat), { stop: [], lost: [held.lease, strange] })
})

t.test('job.resume holds the lease on another connection and tells what is stored', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held, login } = await runJob(daemon)
  const append = { ...held, part: 'stderr', offset: 0, data: Buffer.from('oh') } as const
  t.strictSame(await worker.call('job.append', append), { length: 2, durableLength: 0 })
  const bulk = await daemon.client(login)
  const resumed = { stdoutBytes: 0, stderrBytes: 2, artifactsBytes: 0, stop: false }
  t.strictSame(await bulk.call('job.resume', held), resumed)
  t.match(await bulk.call('job.append', { ...append, offset: 2 }), { length: 4 })
  t.match(await worker.call('job.append', { ...append, offset: 4 }), { length: 6 }, 'both go on')
  await admin.call('job.stop', { job })
  t.strictSame(await bulk.call('job.resume', held), { ...resumed, stderrBytes: 6, stop: true })
})

t.test('job.append stores every byte once, and pipelined chunks in their order', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  const append = (offset: number, text: string) =>
    worker.call('job.append', { ...held, part: 'stdout', offset, data: Buffer.from(text) })
  const lengths = await Promise.all([append(0, 'abc'), append(3, 'def'), append(2, 'cdefg'), append(0, 'abc')])
  t.strictSame(
    lengths.map(answer => answer.length),
    [3, 6, 7, 7],
  )
  await t.rejects(append(9, 'x'), { code: 'E_OFFSET', detail: { length: 7 } })
  const { chunks } = await admin.call('job.log', { job, stream: 'stdout', offset: 0, bytesMax: 100 })
  t.equal(Buffer.concat(chunks.map(chunk => chunk.data)).toString(), 'abcdefg')
})

t.test('a log may go on to the limit of its action and a mark, both streams together, on any connection', async t => {
  const daemon = await startDaemonInProcess(t)
  const { worker, held, login } = await runJob(daemon, { logLimitBytes: 10_000 })
  const bulk = await daemon.client(login)
  await bulk.call('job.resume', held)
  const data = Buffer.alloc(40_000)
  t.match(await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data }), { length: 40_000 })
  const tooMuch = { ...held, part: 'stderr', offset: 0, data } as const
  await t.rejects(bulk.call('job.append', tooMuch), { code: 'E_LOG_LIMIT', detail: { limitBytes: 10_000 } })
  t.match(await bulk.call('job.append', { ...tooMuch, data: Buffer.alloc(35_536) }), { length: 35_536 })
  await t.rejects(
    worker.call('job.append', { ...held, part: 'stdout', offset: 40_000, data: Buffer.alloc(1) }),
    code('E_LOG_LIMIT'),
  )
  t.match(await worker.call('job.append', { ...held, part: 'artifacts', offset: 0, data }), { length: 40_000 })
})

t.test('while one connection writes, another is told to try again', async t => {
  let release: () => void = () => {}
  let isWriting: boolean = false
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  const daemon = await startDaemonInProcess(t, {
    blobs: real => ({
      ...real,
      async append(...args) {
        isWriting = true
        await gate
        return await real.append(...args)
      },
    }),
  })
  const { worker, held, login } = await runJob(daemon)
  const bulk = await daemon.client(login)
  await bulk.call('job.resume', held)
  const append = { ...held, part: 'stdout', offset: 0, data: Buffer.from('abc') } as const
  const first = worker.call('job.append', append)
  await until(() => isWriting, 'the first writes')
  await t.rejects(bulk.call('job.append', append), { code: 'E_BUSY' })
  const finish = { ...held, exitCode: 0, stdout: streamOf('abc'), stderr: EMPTY }
  await t.rejects(bulk.call('job.finish', finish), { code: 'E_BUSY' })
  release()
  t.match(await first, { length: 3 })
  t.match(await bulk.call('job.finish', finish), { state: 'COMPLETE' })
})

t.test('between two pipelined chunks of one connection no other one comes in', async t => {
  const gates: (() => void)[] = []
  const daemon = await startDaemonInProcess(t, {
    blobs: real => ({
      ...real,
      async append(...args) {
        await new Promise<void>(resolve => gates.push(resolve))
        return await real.append(...args)
      },
    }),
  })
  const { worker, held, login } = await runJob(daemon)
  const bulk = await daemon.client(login)
  await bulk.call('job.resume', held)
  const append = (who: typeof worker, offset: number) =>
    who.call('job.append', { ...held, part: 'stdout', offset, data: Buffer.from('abc') })
  const first = append(worker, 0)
  const second = append(worker, 3)
  await until(() => gates.length > 0, 'the first writes')
  await settle()
  t.equal(gates.length, 1, 'the second waits for the first')
  gates[0]?.()
  t.match(await first, { length: 3 })
  await until(() => gates.length > 1, 'the second writes')
  await t.rejects(append(bulk, 3), code('E_BUSY'))
  gates[1]?.()
  t.match(await second, { length: 6 })
})

t.test('a lease that ended elsewhere is fenced off on every connection that held it', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held, login } = await runJob(daemon, {}, { count: 2 })
  const bulk = await daemon.client(login)
  await bulk.call('job.resume', held)
  const finish = { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY }
  await bulk.call('job.finish', finish)
  const data = Buffer.from('late')
  const append = { ...held, part: 'stdout', offset: 0, data } as const
  await t.rejects(worker.call('job.append', append), code('E_LEASE_LOST'))
  t.strictSame(await worker.call('job.finish', finish), { state: 'COMPLETE' }, 'the same answer on the other one')
  t.match(await admin.call('job.log', { job, stream: 'all', offset: 0, bytesMax: 9 }), { chunks: [], ended: true })
})

t.test('a lease without beats is over, and what its worker says then changes nothing', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon, { leaseMs: 3_000 })
  const waiting = admin.call('job.wait', { job, waitMs: 60_000 })
  await daemon.clock.advance(3_000 + LIMITS.leaseMarginMs.value + 2_000)
  t.match(await waiting, { job: { state: 'TIMEOUT', reason: 'worker-lost' } })
  const append = { ...held, part: 'stdout', offset: 0, data: Buffer.from('late') } as const
  await t.rejects(worker.call('job.append', append), code('E_LEASE_LOST'))
  await t.rejects(worker.call('job.started', { ...held, pid: 5 }), code('E_LEASE_LOST'))
  await t.rejects(
    worker.call('job.finish', { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY }),
    code('E_LEASE_LOST'),
  )
  t.match(await admin.call('job.wait', { job, waitMs: 0 }), { job: { state: 'TIMEOUT', exitCode: undefined } })
})

t.test('job.finish stores the tails, checks everything, and answers the same when it is repeated', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.from('head ') })
  const zip = Buffer.from('a zip, for all that the daemon knows')
  const sha256 = createHash('sha256').update(zip).digest('hex') as Sha256
  await worker.call('job.append', { ...held, part: 'artifacts', offset: 0, data: zip })
  const finish = {
    ...{ ...held, exitCode: 4, treeLayer: 'cookie' as const, artifacts: { bytes: zip.length, sha256 } },
    ...{ stdout: streamOf('head and tail', 8), stderr: streamOf('oh', 2) },
  }
  await t.rejects(worker.call('job.finish', { ...finish, stdout: streamOf('head and more tail', 4) }), code('E_OFFSET'))
  const longTail = { bytes: 1, crc32: 0, tail: Buffer.from('abc') }
  await t.rejects(worker.call('job.finish', { ...finish, stdout: longTail }), code('E_BAD_REQUEST'))
  const other = 'f'.repeat(64) as Sha256
  t.strictSame(await worker.call('job.finish', finish), { state: 'COMPLETE' })
  t.strictSame(await worker.call('job.finish', finish), { state: 'COMPLETE' }, 'on the same connection')
  const later = await daemon.client('worker')
  t.strictSame(await later.call('job.finish', finish), { state: 'COMPLETE' }, 'on another one')
  await t.rejects(later.call('job.finish', { ...finish, ...stale(job) }), code('E_LEASE_LOST'))
  await t.rejects(worker.call('job.append', { ...held, part: 'stdout', offset: 13, data: zip }), code('E_LEASE_LOST'))
  const { jobs } = await admin.call('job.query', { jobs: [job] })
  t.match(jobs[0], { state: 'COMPLETE', exitCode: 4, treeLayer: 'cookie', logBytes: 15, artifactBytes: zip.length })
  const read = await admin.call('artifact.read', { job, offset: 2, bytesMax: 3 })
  t.strictSame({ ...read, data: Buffer.from(read.data).toString() }, { data: 'zip', totalBytes: zip.length, sha256 })
  t.not(other, sha256)
})

t.test('a finish with a wrong checksum leaves the job running, to be sent again', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.from('abX') })
  const finish = { ...held, exitCode: 0, stdout: streamOf('abc'), stderr: EMPTY }
  await t.rejects(worker.call('job.finish', finish), code('E_CHECKSUM'))
  t.match((await admin.call('job.query', { jobs: [job] })).jobs, [{ state: 'RUNNING', logBytes: 0 }])
  const { length } = await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.from('abc') })
  t.equal(length, 3, 'the stream was cut and begins again')
  const wrong = { bytes: 3, sha256: 'f'.repeat(64) as Sha256 }
  await worker.call('job.append', { ...held, part: 'artifacts', offset: 0, data: Buffer.from('zip') })
  await t.rejects(worker.call('job.finish', { ...finish, artifacts: wrong }), code('E_CHECKSUM'))
  t.strictSame(await worker.call('job.finish', finish), { state: 'COMPLETE' })
})

t.test('the worker of a job that is tried again hears so, and may repeat its finish', async t => {
  const daemon = await startDaemonInProcess(t)
  const { worker, held } = await runJob(daemon, { retries: 1, timeLimitMs: 1_000 })
  const finish = { ...held, signal: 'SIGTERM', reason: 'time-limit', stdout: EMPTY, stderr: EMPTY } as const
  t.strictSame(await worker.call('job.finish', finish), { state: 'PENDING' })
  t.strictSame(await worker.call('job.finish', finish), { state: 'PENDING' })
  t.match(await takeJob(worker), { job: held.job, attempt: 2 })
  await t.rejects(worker.call('job.finish', finish), code('E_LEASE_LOST'))
})
