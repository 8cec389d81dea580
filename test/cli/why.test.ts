import t from 'tap'
import { renderEvents, renderWhy } from '../../lib/cli/render-why.js'
import { REASONS } from '../../protocol/fields.js'
import type { JobId, Name } from '../../protocol/ids.js'
import { type JobEventView, type JobView, type WaitReason, waitReason } from '../../protocol/views.js'
import { until } from '../helpers/clock.js'
import { fakeWorker } from './fake-worker.js'
import { jsonLines } from './harness.js'
import { setUp } from './people.js'

const nowMs = Date.UTC(2026, 4, 4, 13, 7, 9)
const name = (text: string): Name => text as Name

const pending: JobView = {
  ...{ job: 7 as JobId, state: 'PENDING', user: name('ada'), attempt: 1, priority: 0, queuedAtMs: nowMs - 190_000 },
  ...{ action: name('build'), parameters: [], labels: [name('linux'), name('big')], logBytes: 0, artifactBytes: 0 },
}
const running: JobView = { ...pending, state: 'RUNNING', worker: name('box-1'), startedAtMs: nowMs - 180_000 }
const complete: JobView = { ...running, state: 'COMPLETE', exitCode: 2, endedAtMs: nowMs - 60_000 }
const stop: JobEventView = { kind: 'stop-requested', attempt: 1, atMs: nowMs - 61_000, user: name('eve') }

t.test('every reason for which a job waits has a sentence that says what to do', async t => {
  const { shape } = waitReason
  const kinds = shape.kind === 'obj' && shape.fields.kind?.shape.kind === 'choice' ? shape.fields.kind.shape.values : []
  t.ok(kinds.length > 10)
  const reasons = kinds.map(
    kind => ({ kind, worker: name('box-1'), labels: [name('linux'), name('big')], count: 3, max: 4 }) as WaitReason,
  )
  const rest: WaitReason[] = [
    { kind: 'behind' },
    { kind: 'behind', count: 1 },
    { kind: 'no-label', labels: [name('a')] },
  ]
  t.matchSnapshot(renderWhy(pending, [], [...reasons, ...rest], nowMs))
})

t.test('why a job runs where it does, and why it ended as it did', async t => {
  t.matchSnapshot(renderWhy(running, [], [], nowMs), 'running')
  t.matchSnapshot(
    renderWhy({ ...running, labels: [], stopRequestedAtMs: nowMs - 5_000 }, [stop], [], nowMs),
    'stopping',
  )
  const ends: JobView[] = [
    complete,
    { ...complete, exitCode: 0 },
    { ...complete, exitCode: 1 },
    { ...complete, exitCode: 1, artifactBytes: 200 },
    ...REASONS.map(reason => ({ ...complete, state: 'TIMEOUT' as const, reason })),
  ]
  t.matchSnapshot(ends.map(job => renderWhy(job, [stop], [], nowMs)).join('\n'), 'ended')
  const over: JobEventView = {
    kind: 'attempt-over',
    attempt: 1,
    atMs: nowMs,
    worker: name('box-2'),
    reason: 'worker-lost',
  }
  t.matchSnapshot(renderWhy({ ...complete, attempt: 2 }, [over], [], nowMs), 'attempts before')
})

t.test('what happened to a job stands in its order, with the times', async t => {
  const events: JobEventView[] = [
    { kind: 'queued', attempt: 1, atMs: nowMs - 9e6, user: name('ada') },
    { kind: 'started', attempt: 1, atMs: nowMs - 8e6, worker: name('box-1') },
    { kind: 'attempt-over', attempt: 1, atMs: nowMs - 7e6, worker: name('box-1'), reason: 'worker-lost' },
    { kind: 'started', attempt: 2, atMs: nowMs - 6e6, worker: name('box-2') },
    { ...stop, attempt: 2 },
    { kind: 'ended', attempt: 2, atMs: nowMs - 5_000, worker: name('box-2'), reason: 'stopped' },
  ]
  t.matchSnapshot(renderEvents(events, nowMs, { width: 80, isColoured: false }), 'for people')
  t.matchSnapshot(renderEvents(events, nowMs, { width: 80, isColoured: false, isWide: true }), 'exact')
})

t.test('why and show tell the story of a job from its queueing to its end', async t => {
  const { daemon, as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'build', '--labels', 'big', '--retries', '1', '--', 'make'])
  await admin(['queue', 'build'])
  const small = await fakeWorker(daemon, 'small')
  t.match(
    (await admin(['why', '1'])).stdout,
    /^job 1 has waited .* for a worker with the label big\n- no worker has the label big\n$/,
  )
  t.match(jsonLines((await admin(['why', '1', '--json'])).stdout), [
    { job: 1, state: 'PENDING', reasons: [{ kind: 'no-label', labels: ['big'] }], events: [{ kind: 'queued' }] },
  ])
  small.client.close()
  const big = await fakeWorker(daemon, 'big', ['big'])
  await (await big.take()).finish({ reason: 'time-limit' })
  const second = await big.take()
  t.match(
    (await admin(['why', '1'])).stdout,
    /^attempt 1 on big is over: .*time limit.*\njob 1 has run for .*\nit went to worker big /,
  )
  const stopped = admin(['stop', '1', '--wait'])
  await until(async () => (await daemon.store.readJobEvents(1 as JobId)).length > 1, 'it is asked for')
  await second.finish({ reason: 'stopped', exitCode: 143, signal: 'SIGTERM' })
  await stopped
  t.match((await admin(['why', '1'])).stdout, /\njob 1 is CANCELLED: admin-1 stopped it\n$/)
  const shown = (await admin(['show', '1'])).stdout
  t.match(shown, /^job +1\naction +build\nstate +CANCELLED\n/)
  t.match(shown, /\) {2}queued by admin-1\n.*started on big\n.*attempt 1 is over: .*\n.*attempt 2 started on big\n/)
  t.match(jsonLines((await admin(['show', '1', '--json'])).stdout), [{ job: 1, events: [{ kind: 'queued' }] }])
  t.notMatch((await admin(['show', '1', '--wide'])).stdout.split('\n\n')[1], ' ago')
  t.match(await admin(['why', '9']), { status: 1, stderr: /E_JOB_NOT_FOUND/ })
  t.match(await admin(['show', '9']), { status: 1, stderr: /E_JOB_NOT_FOUND/ })
})

t.test('show tells an action with its last jobs, also one whose name is a number', async t => {
  const { as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', '7', '--', 'make'])
  await admin(['queue', '7', '--count', '12'])
  const shown = (await admin(['show', '7', '--action'])).stdout
  t.match(shown, /^action +7\nactive +yes\ncommand +make\n/)
  t.match(shown, /\npending +12\nrunning +0\ncreated +\S+ \S+ \(/)
  t.equal(shown.split('PENDING').length, 1 + 10)
  t.match(jsonLines((await admin(['show', '--action', '7', '--json'])).stdout), [
    { action: '7', pending: 12, running: 0 },
  ])
  t.match(await admin(['show', 'none']), { status: 1, stderr: /E_ACTION_NOT_FOUND/ })
  t.match(await admin(['show', 'a b']), { status: 2, stderr: /WHAT must be the id of a job or the name of an action/ })
})

t.test('a worker is drained: it gets no new job, and the command returns when it is idle', async t => {
  const { daemon, as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--', 'true'])
  await admin(['queue', 'a', '--count', '2'])
  const box = await fakeWorker(daemon, 'box')
  const job = await box.take()
  let isDone = false
  const drained = admin(['work', '--drain', 'box']).finally(() => {
    isDone = true
  })
  await until(async () => (await daemon.store.listDrainedWorkers()).length > 0, 'the command has come')
  t.match((await admin(['workers'])).stdout, /, drained /)
  t.notOk(isDone, 'it waits for the job')
  await job.finish()
  t.match(await drained, {
    status: 0,
    stdout: 'worker box is drained and idle; jankins work --undrain box undoes it\n',
  })
  t.match(
    (await admin(['why', '2'])).stdout,
    /- worker box is drained; jankins work --undrain box lets it have jobs again\n/,
  )
  t.match(await admin(['work', '--drain', 'box', '--json']), { stdout: '{"worker":"box","changed":false}\n' })
  t.match(await admin(['work', '--undrain', 'box']), { stdout: 'worker box gets jobs again\n' })
  t.equal((await box.take()).grant.job, 2)
  t.match(await admin(['work', '--undrain', 'box']), { stdout: 'worker box was not drained\n' })
  t.match(await admin(['work', '--drain', 'bix']), { status: 1, stderr: /E_WORKER_NOT_FOUND/ })
  t.match(await (await as('worker'))(['work', '--drain', 'box']), { status: 1, stderr: /E_FORBIDDEN/ })
})
