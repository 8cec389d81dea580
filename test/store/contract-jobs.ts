import fc from 'fast-check'
import type { Test } from 'tap'
import { completeDefinition } from '../../lib/domain/action.js'
import type { Home, JobEvent } from '../../lib/domain/job.js'
import type { JobId, Sha256 } from '../../protocol/ids.js'
import type { OpenStore } from './contract.js'
import {
  acknowledged,
  credential,
  finished,
  insertOne,
  jobId,
  lease,
  name,
  newJobs,
  openForBusiness,
  USER,
} from './samples.js'

const BUNDLE = 'ab'.repeat(32) as Sha256

export function jobsContract(t: Test, openStore: OpenStore): void {
  t.test('a new job is PENDING and shows what it will run', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store, { command: ['make', 'all'], dir: '/srv', labels: [name('arm')] })
    const job = await insertOne(store, queue, { priority: 3, parameters: [['A', '1']], retries: 2, bundle: BUNDLE })
    t.strictSame(await store.findJob(job), {
      job,
      action: 'compile',
      state: 'PENDING',
      user: USER,
      attempt: 1,
      priority: 3,
      queuedAtMs: 2_000,
      dir: '/srv',
      command: ['make', 'all'],
      parameters: [['A', '1']],
      labels: ['arm'],
      bundle: BUNDLE,
      logBytes: 0,
      artifactBytes: 0,
    })
    t.strictSame(await store.readJob(job), { attempt: 1, retriesLeft: 2, state: { kind: 'PENDING' } })
    t.match(await store.readOrder(job), {
      job,
      attempt: 1,
      user: USER,
      queue,
      action: 'compile',
      priority: 3,
      definition: { command: ['make', 'all'], leaseMs: 60_000 },
      parameters: [['A', '1']],
      bundle: BUNDLE,
    })
    for (const read of [store.findJob, store.readJob, store.readOrder]) t.equal(await read(jobId(99)), undefined)
  })

  t.test('one request makes many jobs in the order of their ids, with the same parameters', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const { jobs, repeated } = await store.insertJobs(newJobs(queue, { count: 5, parameters: [['A', 'x']] }))
    t.equal(repeated, false)
    t.strictSame(
      jobs,
      [...jobs].sort((a, b) => a - b),
    )
    t.equal(new Set(jobs).size, 5)
    for (const job of jobs) {
      t.strictSame((await store.findJob(job))?.parameters, [['A', 'x']])
      t.strictSame((await store.readOrder(job))?.parameters, [['A', 'x']])
    }
  })

  t.test('a request that is repeated makes nothing and answers the same', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const request = newJobs(queue, { count: 3, parameters: [['A', 'x']], bundle: BUNDLE })
    const first = await store.insertJobs(request)
    await insertOne(store, queue)
    t.strictSame(await store.insertJobs({ ...request, queuedAtMs: 9_999, priority: 5 }), { ...first, repeated: true })
    const [twin, same] = await Promise.all([request, request].map(r => store.insertJobs({ ...r, key: 'in-one-turn' })))
    t.strictSame(same, { jobs: twin?.jobs, repeated: true }, 'also in one commit')
    t.equal((await store.readDispatchState()).pending, 7)
  })

  t.test('a key that made other jobs is refused', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const other = await store.openExecQueue([])
    const request = newJobs(queue, { parameters: [['A', 'x']], bundle: BUNDLE })
    const { bundle, ...unbundled } = request
    await store.insertJobs(request)
    const changes = [{ count: 2 }, { queue: other.id }, { parameters: [] }, { bundle: 'cd'.repeat(32) as Sha256 }]
    for (const change of changes)
      await t.rejects(store.insertJobs({ ...request, ...change }), { code: 'E_KEY_REUSED' }, JSON.stringify(change))
    await t.rejects(store.insertJobs(unbundled), { code: 'E_KEY_REUSED' }, `without ${bundle}`)
    await store.addUser(name('eve'), 'user', false, credential(), 1)
    t.equal((await store.insertJobs({ ...request, user: name('eve') })).repeated, false, 'keys are of a user')
  })

  t.test('a job of job.exec keeps its own definition', async t => {
    const store = await openStore(t)
    await openForBusiness(store)
    const queue = await store.openExecQueue(['arm'])
    const definition = completeDefinition({ script: 'echo hi', labels: [name('arm')], leaseMs: 4_000 })
    const request = newJobs(queue.id, { definition })
    const job = (await store.insertJobs(request)).jobs[0] as JobId
    const view = await store.findJob(job)
    t.match(view, { script: 'echo hi', labels: ['arm'] })
    t.notOk(view && 'action' in view)
    t.strictSame((await store.readOrder(job))?.definition, definition)
    t.equal((await store.insertJobs(request)).repeated, true)
    const changed = { ...definition, script: 'echo ho' }
    await t.rejects(store.insertJobs({ ...request, definition: changed }), { code: 'E_KEY_REUSED' })
  })

  t.test('a job runs and ends, and every read shows it', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const home = await store.beginEpoch('d')
    const job = await insertOne(store, queue)
    t.match(await store.applyEvent(job, acknowledged(home, 1)), {
      before: { state: { kind: 'PENDING' } },
      after: { state: { kind: 'RUNNING', lease: lease(1), home } },
      queue,
    })
    await store.applyEvent(job, { kind: 'started', lease: lease(1), pid: 77 })
    await store.noteDurableLengths(job, 1, 5, 6)
    await store.noteBeats([[job, 3_500]])
    t.match(await store.findJob(job), {
      state: 'RUNNING',
      worker: 'box',
      workerUser: 'builder',
      startedAtMs: 3_000,
      heartbeatAtMs: 3_500,
      pid: 77,
      logBytes: 11,
    })
    const end = {
      exitCode: 3,
      signal: 'SIGKILL',
      reason: 'stopped',
      artifactBytes: 9,
      artifactSha256: BUNDLE,
      treeLayer: 'cgroup',
      cpuUserMs: 1_200,
      cpuSystemMs: 0,
    } as const
    const { after } = await store.applyEvent(job, finished(1, end))
    t.strictSame(await store.readJob(job), after)
    t.match(await store.findJob(job), {
      state: 'CANCELLED',
      exitCode: 3,
      signal: 'SIGKILL',
      reason: 'stopped',
      endedAtMs: 4_000,
      logBytes: 12,
      artifactBytes: 9,
      treeLayer: 'cgroup',
      pid: 77,
      cpuUserMs: 1_200,
      cpuSystemMs: 0,
      memoryPeakBytes: undefined,
    })
    await store.noteDurableLengths(job, 1, 0, 0)
    await store.noteBeats([[job, 9_000]])
    t.match(await store.findJob(job), { logBytes: 12, heartbeatAtMs: 3_500 }, 'what comes late changes nothing')
  })

  t.test('an event that does not fit is refused and changes nothing', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const home = await store.beginEpoch('d')
    const job = await insertOne(store, queue)
    await t.rejects(store.applyEvent(job, finished(1)), { code: 'E_LEASE_LOST' })
    await t.rejects(store.applyEvent(jobId(99), finished(1)), { code: 'E_JOB_NOT_FOUND' })
    await store.applyEvent(job, acknowledged(home, 1))
    await t.rejects(store.applyEvent(job, acknowledged(home, 2)), { code: 'E_LEASE_LOST' })
    const repeated = await store.applyEvent(job, acknowledged(home, 1))
    t.equal(repeated.after, repeated.before)
    t.match(await store.readJob(job), { state: { kind: 'RUNNING', lease: lease(1) } })
  })

  t.test('two workers that take one job in one turn: one of them has it', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const home = await store.beginEpoch('d')
    const job = await insertOne(store, queue)
    const taken = await Promise.allSettled([1, 2].map(n => store.applyEvent(job, acknowledged(home, n))))
    t.match(taken, [{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'E_LEASE_LOST' } }])
  })

  t.test('history shows what ran, whatever became of the action', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store, { command: ['old'] })
    const home = await store.beginEpoch('d')
    const [ran, granted, waits] = [
      await insertOne(store, queue),
      await insertOne(store, queue),
      await insertOne(store, queue),
    ]
    await store.applyEvent(ran, acknowledged(home, 1))
    const order = await store.readOrder(granted)
    await store.putAction(name('compile'), completeDefinition({ command: ['new'] }), true, 9)
    await store.applyEvent(granted, acknowledged(home, 2), order?.version)
    t.strictSame((await store.findJob(ran))?.command, ['old'])
    t.strictSame((await store.findJob(granted))?.command, ['old'], 'the grant was made before')
    t.strictSame((await store.findJob(waits))?.command, ['new'])
    t.strictSame((await store.readOrder(waits))?.definition.command, ['new'])
    t.strictSame((await store.readOrder(ran))?.definition.command, ['new'], 'a retry runs what the action says now')
  })

  t.test('what a daemon finds at its start: queues, running jobs, and how many wait', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store, { command: ['make'], leaseMs: 7_000, runningMax: 2 })
    const exec = await store.openExecQueue(['arm'])
    const home = await store.beginEpoch('d')
    const definition = completeDefinition({ script: 'x', leaseMs: 8_000 })
    const jobs = [await insertOne(store, queue), await insertOne(store, exec.id, { definition })]
    await store.insertJobs(newJobs(queue, { count: 3 }))
    for (const [index, job] of jobs.entries()) await store.applyEvent(job, acknowledged(home, index))
    await store.applyEvent(jobs[1] as JobId, { kind: 'stop-requested', atMs: 5 })
    await store.noteDurableLengths(jobs[1] as JobId, 1, 10, 20)
    const nothing = { stopRequested: false, durableStdoutBytes: 0, durableStderrBytes: 0 }
    const running = { attempt: 1, home, worker: name('box'), ...nothing }
    t.strictSame(await store.readDispatchState(), {
      queues: [
        { id: queue, action: 'compile', labels: [], active: true, runningMax: 2 },
        { id: exec.id, labels: ['arm'], active: true },
      ],
      running: [
        { ...running, job: jobs[0], queue, lease: lease(0), leaseMs: 7_000 },
        {
          ...running,
          ...{ job: jobs[1], queue: exec.id, lease: lease(1), leaseMs: 8_000 },
          stopRequested: true,
          durableStdoutBytes: 10,
          durableStderrBytes: 20,
        },
      ],
      pending: 3,
    })
  })

  t.test('heads come by priority, then by age, in pages', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const home = await store.beginEpoch('d')
    const jobs: JobId[] = []
    for (const priority of [0, 5, 0, -3, 5, 0]) jobs.push(await insertOne(store, queue, { priority }))
    await insertOne(store, (await store.openExecQueue([])).id, {
      definition: completeDefinition({ script: 'x' }),
      priority: 9,
    })
    await store.applyEvent(jobs[2] as JobId, acknowledged(home, 1))
    const best = [1, 4, 0, 5, 3].map(index => jobs[index])
    const whole = await store.readHeads(queue, undefined, 10)
    t.strictSame(
      whole.map(({ job }) => job),
      best,
    )
    t.strictSame(await store.readHeads(queue, undefined, 2), whole.slice(0, 2))
    for (const [index, head] of whole.entries())
      t.strictSame(await store.readHeads(queue, head, 2), whole.slice(index + 1, index + 3), `behind head ${index}`)
  })

  t.test('whatever happens in whatever order, what is read back is what the domain said', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const homes = [await store.beginEpoch('d'), await store.beginEpoch('d')]
    await fc.assert(
      fc.asyncProperty(fc.array(eventsOf(homes), { maxLength: 12 }), fc.nat(2), async (events, retries) => {
        const job = await insertOne(store, queue, { retries })
        for (const event of events) {
          const applied = await store.applyEvent(job, event).catch(() => undefined)
          if (applied) t.strictSame(await store.readJob(job), applied.after)
        }
      }),
      { seed: 5265, numRuns: 60 },
    )
  })
}

function eventsOf(homes: Home[]): fc.Arbitrary<JobEvent> {
  const one = fc.constantFrom(1, 1, 1, 2)
  const home = fc.constantFrom(...homes)
  const attempt = fc.constantFrom(1, 1, 2, 3)
  return fc.oneof(
    fc.tuple(home, one, attempt).map(([home, n, attempt]) => acknowledged(home, n, 'box', attempt)),
    fc.tuple(one, fc.constantFrom({}, { reason: 'time-limit' as const })).map(([n, end]) => finished(n, end)),
    one.map(n => ({ kind: 'started', lease: lease(n), pid: n }) as const),
    fc.tuple(one, home).map(([n, home]) => ({ kind: 'resumed', lease: lease(n), home }) as const),
    fc.constant({ kind: 'stop-requested', atMs: 5 } as const),
    fc
      .tuple(home, attempt)
      .map(([home, attempt]) => ({ kind: 'expired', home, attempt, atMs: 6, logBytes: 1 }) as const),
  )
}
