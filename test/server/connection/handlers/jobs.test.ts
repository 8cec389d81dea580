import t from 'tap'
import type { JobId, Sha256 } from '../../../../protocol/ids.js'
import { LIMITS } from '../../../../protocol/limits.js'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { EMPTY, NO_JOB, name, newKey, runJob, takeJob } from '../running.js'

const NO_BUNDLE = 'b'.repeat(64) as Sha256
const code = (text: string) => ({ code: text })

t.test('job.queue makes jobs, and the same key again the same ones', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: name('build'), command: ['make'] })
  const user = await daemon.client('user')
  const order = { action: name('build'), key: newKey(), count: 3, parameters: [['A', 'b']] as const, priority: 7 }
  const { jobs } = await user.call('job.queue', order)
  t.equal(jobs.length, 3)
  t.strictSame(await user.call('job.queue', order), { jobs })
  await t.rejects(user.call('job.queue', { ...order, count: 2 }), code('E_KEY_REUSED'))
  const page = await user.call('job.query', {})
  t.match(
    page.jobs.map(job => job.job),
    [...jobs].reverse(),
  )
  t.match(page.jobs[0], { state: 'PENDING', priority: 7, parameters: [['A', 'b']], user: 'user-2', action: 'build' })
})

t.test('job.queue refuses what cannot be queued, and nothing is made', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: name('build'), command: ['make'] })
  await admin.call('action.add', { action: name('off'), command: ['make'] })
  await admin.call('action.disable', { action: name('off') })
  const order = { action: name('build'), key: newKey() }
  await t.rejects(admin.call('job.queue', { ...order, action: name('nothing') }), code('E_ACTION_NOT_FOUND'))
  await t.rejects(admin.call('job.queue', { ...order, action: name('off') }), code('E_ACTION_DISABLED'))
  await t.rejects(admin.call('job.queue', { ...order, bundle: NO_BUNDLE }), code('E_BUNDLE_NOT_FOUND'))
  await t.rejects(admin.call('job.queue', { ...order, count: 0 }), code('E_BAD_REQUEST'))
  await t.rejects(admin.call('job.queue', { ...order, key: 'short' }), code('E_BAD_REQUEST'))
  await t.rejects(admin.call('job.queue', { ...order, parameters: [['a b', 'c']] }), code('E_BAD_REQUEST'))
  const value = 'x'.repeat(LIMITS.environmentValueBytesMax.value)
  const parameters = Array.from({ length: 9 }, (_, n) => [`V${n}`, value] as const)
  await t.rejects(admin.call('job.queue', { ...order, parameters }), code('E_BAD_REQUEST'))
  t.strictSame(await admin.call('job.query', {}), { jobs: [] })
})

t.test('job.exec is for admins and for users who may', async t => {
  const daemon = await startDaemonInProcess(t)
  const command = ['uname']
  const { job } = await (await daemon.client('admin')).call('job.exec', { key: newKey(), command })
  const allowed = await daemon.client(await daemon.login('user', { mayExec: true }))
  const order = { key: newKey(), command, labels: [name('linux')] }
  const made = await allowed.call('job.exec', order)
  t.ok(made.job > job)
  t.strictSame(await allowed.call('job.exec', order), made)
  await t.rejects(allowed.call('job.exec', { ...order, command: ['id'] }), code('E_KEY_REUSED'))
  await t.rejects(allowed.call('job.exec', { ...order, key: newKey(), bundle: NO_BUNDLE }), code('E_BUNDLE_NOT_FOUND'))
  await t.rejects(allowed.call('job.exec', { key: newKey() }), code('E_BAD_REQUEST'))
  await t.rejects(allowed.call('job.exec', { key: newKey(), command, runningMax: 1 }), code('E_BAD_REQUEST'))
  const user = await daemon.client('user')
  await t.rejects(user.call('job.exec', { key: newKey(), command }), code('E_FORBIDDEN'))
  t.equal((await user.call('job.query', {})).jobs.length, 2)
})

t.test('job.retry queues a job like one that has ended', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon, {}, { parameters: [['A', 'b']], priority: 5 })
  await t.rejects(admin.call('job.retry', { job, key: newKey() }), code('E_JOB_NOT_FINISHED'))
  await t.rejects(admin.call('job.retry', { job: NO_JOB, key: newKey() }), code('E_JOB_NOT_FOUND'))
  await worker.call('job.finish', { ...held, exitCode: 1, stdout: EMPTY, stderr: EMPTY })
  const user = await daemon.client('user')
  const key = newKey()
  const again = await user.call('job.retry', { job, key })
  t.strictSame(await user.call('job.retry', { job, key }), again)
  const { jobs } = await user.call('job.query', { jobs: [again.job] })
  t.match(jobs[0], { state: 'PENDING', retryOf: job, priority: 5, parameters: [['A', 'b']], action: 'build' })
  await t.rejects(user.call('job.retry', { job: again.job, key: newKey() }), code('E_JOB_NOT_FINISHED'))
  await admin.call('action.disable', { action: name('build') })
  await t.rejects(user.call('job.retry', { job, key: newKey() }), code('E_ACTION_DISABLED'))
})

t.test('job.retry of a command needs the right to run commands', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const { job } = await admin.call('job.exec', { key: newKey(), command: ['uname'] })
  await admin.call('job.stop', { job })
  const user = await daemon.client('user')
  await t.rejects(user.call('job.retry', { job, key: newKey() }), code('E_FORBIDDEN'))
  const again = await admin.call('job.retry', { job, key: newKey() })
  t.match((await admin.call('job.query', { jobs: [again.job] })).jobs, [{ retryOf: job, command: ['uname'] }])
})

t.test('job.query filters, pages, and refuses names that do not exist', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, held, job } = await runJob(daemon, {}, { count: 5 })
  const reader = await daemon.client('reader')
  t.match((await reader.call('job.query', { state: 'RUNNING' })).jobs, [{ job, worker: 'box', workerUser: 'worker-2' }])
  await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.from('hello') })
  t.match((await reader.call('job.query', { jobs: [job] })).jobs, [{ logBytes: 5 }], 'the log of a running job counts')
  const seen: JobId[] = []
  let after: JobId | undefined
  do {
    const page = await reader.call('job.query', { limit: 2, ...(after !== undefined && { after }) })
    seen.push(...page.jobs.map(view => view.job))
    after = page.next
  } while (after !== undefined)
  t.equal(seen.length, 5)
  t.strictSame(
    seen,
    [...seen].sort((a, b) => b - a),
    'newest first',
  )
  await t.rejects(reader.call('job.query', { action: name('nothing') }), code('E_ACTION_NOT_FOUND'))
  await t.rejects(reader.call('job.query', { user: name('nobody') }), code('E_USER_NOT_FOUND'))
  await t.rejects(reader.call('job.query', { jobs: [NO_JOB] }), code('E_JOB_NOT_FOUND'))
  await t.rejects(reader.call('job.query', { state: 'SLEEPING' as never }), code('E_BAD_REQUEST'))
  t.strictSame((await admin.call('job.query', { state: 'TIMEOUT' })).jobs, [])
})

t.test('a page of long rows is cut to what a reply may hold, and the next one goes on behind it', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const labels = Array.from({ length: 32 }, (_, n) => name(`${n}${'l'.repeat(62)}`))
  const long = 'x'.repeat(LIMITS.viewTextBytesMax.value)
  await admin.call('action.add', { action: name('long'), command: ['echo', long], labels, dir: `/${long.slice(1)}` })
  const parameters = [['LONG', long]] as const
  await admin.call('job.queue', { action: name('long'), key: newKey(), count: 150, parameters })
  const seen: JobId[] = []
  const rowsOfPages: number[] = []
  let after: JobId | undefined
  do {
    const page = await admin.call('job.query', { ...(after !== undefined && { after }) })
    seen.push(...page.jobs.map(view => view.job))
    after = page.next
    rowsOfPages.push(page.jobs.length)
  } while (after !== undefined)
  t.equal(new Set(seen).size, 150)
  t.ok((rowsOfPages[0] ?? 0) < LIMITS.pageRowsMax.value, `pages of ${rowsOfPages.join(', ')} rows`)
})

t.test('job.wait answers when the job has ended, or with its state when the time is over', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  t.match(await admin.call('job.wait', { job, waitMs: 0 }), { job: { state: 'RUNNING' } })
  const early = admin.call('job.wait', { job, waitMs: 1_000 })
  const late = admin.call('job.wait', { job, waitMs: 60_000 })
  await daemon.clock.advance(1_000)
  t.match(await early, { job: { state: 'RUNNING' } })
  await worker.call('job.finish', { ...held, exitCode: 3, stdout: EMPTY, stderr: EMPTY })
  t.match(await late, { job: { state: 'COMPLETE', exitCode: 3, job } })
  t.match(await admin.call('job.wait', { job, waitMs: 60_000 }), { job: { state: 'COMPLETE' } }, 'at once')
  await t.rejects(admin.call('job.wait', { job: NO_JOB, waitMs: 0 }), code('E_JOB_NOT_FOUND'))
})

t.test('a cancelled job.wait answers with the state as it is', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, job } = await runJob(daemon)
  const cancel = new AbortController()
  const waiting = admin.call('job.wait', { job, waitMs: 60_000 }, { cancel: cancel.signal })
  await daemon.clock.advance(0)
  cancel.abort()
  t.match(await waiting, { job: { state: 'RUNNING' } })
})

t.test(
  'a wait that was cancelled is over in the writer too, and more than the limit may follow each other',
  async t => {
    const daemon = await startDaemonInProcess(t)
    const { admin, job } = await runJob(daemon)
    for (let n = 0; n <= LIMITS.pipelinedMax.value; n++) {
      const cancel = new AbortController()
      const waiting = admin.call('job.wait', { job, waitMs: 30_000 }, { cancel: cancel.signal })
      await daemon.clock.advance(0)
      cancel.abort()
      t.match(await waiting, { job: { state: 'RUNNING' } })
    }
  },
)

t.test('job.stop cancels what waits, stops what runs, and leaves what has ended', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon, {}, { count: 2 })
  const pending = (job + 1) as JobId
  t.strictSame(await admin.call('job.stop', { job: pending }), { state: 'CANCELLED', requested: true })
  t.strictSame(await admin.call('job.stop', { job }), { state: 'RUNNING', requested: true })
  t.strictSame(await worker.call('worker.beat', { leases: [held.lease], free: 3, load: 0 }), {
    stop: [held.lease],
    lost: [],
  })
  await worker.call('job.finish', { ...held, signal: 'SIGTERM', reason: 'stopped', stdout: EMPTY, stderr: EMPTY })
  t.strictSame(await admin.call('job.stop', { job }), { state: 'CANCELLED', requested: true }, 'the same answer again')
  const { jobs } = await admin.call('job.queue', { action: name('build'), key: newKey() })
  const { lease } = await takeJob(worker)
  const ended = { job: jobs[0] as JobId, lease, exitCode: 0, stdout: EMPTY, stderr: EMPTY }
  await worker.call('job.finish', ended)
  t.strictSame(await admin.call('job.stop', { job: ended.job }), { state: 'COMPLETE', requested: false })
  await t.rejects(admin.call('job.stop', { job: NO_JOB }), code('E_JOB_NOT_FOUND'))
})

t.test('a user stops its own jobs only', async t => {
  const daemon = await startDaemonInProcess(t)
  const { job } = await runJob(daemon)
  const user = await daemon.client('user')
  await t.rejects(user.call('job.stop', { job }), code('E_FORBIDDEN'))
  const { jobs } = await user.call('job.queue', { action: name('build'), key: newKey() })
  t.match(await user.call('job.stop', { job: jobs[0] as JobId }), { state: 'CANCELLED' })
})
