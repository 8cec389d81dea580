import type { Test } from 'tap'
import { completeDefinition } from '../../lib/domain/action.js'
import type { JobFilter, Store } from '../../lib/store/store.js'
import type { JobId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { JobView } from '../../protocol/views.js'
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
} from './samples.js'

export function queriesContract(t: Test, openStore: OpenStore): void {
  t.test('every set of filters gives the jobs that fit, newest first, whatever the page size', async t => {
    const store = await openStore(t)
    const all = await fillMixed(store)
    for (const filter of filtersOf(all))
      for (const limit of [1, 7, 100]) {
        const expected = all.filter(job => fits(job, filter)).map(({ job }) => job)
        t.strictSame(await allPages(store, filter, limit), expected, `${JSON.stringify(filter)} by ${limit}`)
      }
  })

  t.test('the last page has no next one, also when it is just full', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    t.strictSame(await store.queryJobs({}, undefined, 2), { jobs: [] })
    await store.insertJobs(newJobs(queue, { count: 4 }))
    const first = await store.queryJobs({}, undefined, 2)
    t.equal(first.next, first.jobs[1]?.job)
    const last = await store.queryJobs({}, first.next, 2)
    t.equal(last.jobs.length, 2)
    t.notOk('next' in last)
  })

  t.test('a filter with a name or an id that does not exist is an error of its own', async t => {
    const store = await openStore(t)
    const job = await insertOne(store, await openForBusiness(store))
    const query = (filter: JobFilter) => store.queryJobs(filter, undefined, 10)
    await t.rejects(query({ action: name('none') }), { code: 'E_ACTION_NOT_FOUND' })
    await t.rejects(query({ user: name('none') }), { code: 'E_USER_NOT_FOUND' })
    await t.rejects(query({ jobs: [job, jobId(999)] }), { code: 'E_JOB_NOT_FOUND', detail: { job: 999 } })
    t.strictSame(await query({ worker: name('none') }), { jobs: [] }, 'a worker is no account')
    t.strictSame(await query({ jobs: [] }), { jobs: [] })
  })

  t.test('a page looks at a bounded number of rows, and the rest is found on the pages behind', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    const home = await store.beginEpoch('d')
    const old = await insertOne(store, queue)
    await store.applyEvent(old, acknowledged(home, 1))
    await store.applyEvent(old, finished(1))
    for (let n = 0; n < 3; n++) await store.insertJobs(newJobs(queue, { count: LIMITS.jobsPerQueueMax.value }))
    const first = await store.queryJobs({ state: 'COMPLETE' }, undefined, 10)
    t.strictSame(first.jobs, [])
    t.ok(first.next)
    t.strictSame(await allPages(store, { state: 'COMPLETE' }, 10), [old])
  })

  t.test('a span of time is found without a look at what is outside of it, by rows and by their own times', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    for (const queuedAtMs of [1_000, 2_000, 3_000, 2_500, 4_000])
      await store.insertJobs(newJobs(queue, { count: 1_000, queuedAtMs }))
    const middle = { queuedFromMs: 2_000, queuedBeforeMs: 2_001 }
    const page = await store.queryJobs(middle, undefined, 10)
    t.equal(page.jobs[0]?.job, 2_000, 'the first page begins where the span does')
    t.equal((await allPages(store, middle, 100)).length, 1_000)
    const back = await store.queryJobs({ queuedFromMs: 2_900 }, undefined, 100)
    t.equal(back.jobs[0]?.queuedAtMs, 4_000)
    const all = await allPages(store, { queuedFromMs: 3_000 }, 100)
    t.notOk(
      all.some(job => job > 3_000 && job <= 4_000),
      'what was queued before is not shown, though its id is higher',
    )
    await store.insertJobs(
      newJobs(queue, { parameters: Array.from({ length: 9 }, (_, n) => [`A${n}`, 'x'.repeat(30_000)]), count: 100 }),
    )
    const texts = await store.queryJobs({ text: 'nowhere' }, undefined, 10)
    t.ok((texts.next ?? 0) > 5_090, 'long texts count as the rows that they take the place of')
  })

  t.test('a page of long rows is shorter, so that it fits into one reply, and the rest follows', async t => {
    const store = await openStore(t)
    const command = Array.from({ length: 1_000 }, () => 'x')
    const queue = await openForBusiness(store, { command })
    const parameters = [['A', 'x'.repeat(4_000)]] as const
    await store.insertJobs(newJobs(queue, { count: 90, parameters }))
    const first = await store.queryJobs({}, undefined, 100)
    t.ok(first.jobs.length > 10 && first.jobs.length < 90)
    t.ok(Buffer.byteLength(JSON.stringify(first)) < LIMITS.replyBytesMax.value)
    t.ok(first.jobs.length * command.length < LIMITS.nodesMax.value)
    t.equal((await allPages(store, {}, 100)).length, 90)

    const environment = [1, 2, 3, 4, 5, 6].map(n => [`V${n}`, 'x'.repeat(32 * 1024)] as const)
    for (let n = 0; n < 5; n++)
      await store.putAction(name(`big-${n}`), completeDefinition({ script: 'x', environment }), false, 1)
    const actions = await store.listActions(undefined, 5)
    t.match(
      actions.actions.map(({ action }) => action),
      ['big-0', 'big-1'],
    )
    t.equal(actions.next, 'big-1')
  })

  t.test('long texts are cut in lists and whole in orders', async t => {
    const store = await openStore(t)
    const long = 'é'.repeat(3_000)
    const queue = await openForBusiness(store, { command: ['a', long, 'b'] })
    const parameters = [
      ['A', '1'],
      ['B', long],
      ['C', '2'],
    ] as const
    const { jobs } = await store.insertJobs(newJobs(queue, { count: 2, parameters }))
    const exec = await store.openExecQueue([])
    const definition = completeDefinition({ script: long })
    const scripted = await insertOne(store, exec.id, { definition })
    for (const job of jobs) {
      const view = await store.findJob(job)
      t.strictSame(view?.command, ['a', 'é'.repeat(2_047)], 'whole characters, and nothing behind')
      t.strictSame(view?.parameters, [
        ['A', '1'],
        ['B', 'é'.repeat(2_046)],
      ])
      const order = await store.readOrder(job)
      t.strictSame(order?.definition.command, ['a', long, 'b'])
      t.strictSame(order?.parameters, parameters)
    }
    t.equal((await store.findJob(scripted))?.script, 'é'.repeat(2_048))
    t.equal((await store.readOrder(scripted))?.definition.script, long)
  })
}

/** Forty jobs of two users, two actions and job.exec, three workers and all states; newest first. */
async function fillMixed(store: Store): Promise<JobView[]> {
  const compile = await openForBusiness(store)
  const home = await store.beginEpoch('d')
  await store.addUser(name('bob'), 'user', false, credential(), 1)
  const checking = completeDefinition({ script: 'x', labels: [name('big'), name('gpu')] })
  const check = (await store.putAction(name('check'), checking, false, 1)).queue.id
  const exec = (await store.openExecQueue([])).id
  const views: JobView[] = []
  for (let n = 0; n < 40; n++) {
    const queue = [compile, check, exec][n % 3] as number
    const definition = queue === exec ? { definition: completeDefinition({ script: 'y' }) } : {}
    const parameters = [['TARGET', n % 3 === 0 ? 'release' : `debug ${n}`]] as const
    const common = { parameters, queuedAtMs: 2_000 + Math.floor(n / 2) }
    const job = await insertOne(store, queue, { ...definition, ...common, user: name(n % 4 === 0 ? 'bob' : 'ada') })
    if (n % 5 === 4) await store.applyEvent(job, { kind: 'stop-requested', atMs: 9 })
    else if (n % 5 > 0) {
      await store.applyEvent(job, acknowledged(home, n, `box${n % 7 === 0 ? 1 : 2}`))
      await store.applyEvent(job, { kind: 'started', lease: lease(n), pid: 100 + (n % 2) })
      if (n % 5 === 2) await store.applyEvent(job, finished(n, { exitCode: n % 2 }))
      if (n % 5 === 3) await store.applyEvent(job, finished(n, { reason: 'time-limit' }))
    }
    views.unshift((await store.findJob(job)) as JobView)
  }
  return views
}

function filtersOf(all: readonly JobView[]): JobFilter[] {
  const jobs = [0, 3, 8, 13, 21, 34].map(index => (all[index] as JobView).job)
  const filters: JobFilter[] = [{}]
  for (const more of [
    { jobs },
    { action: name('check') },
    { user: name('bob') },
    { worker: name('box2') },
    { pid: 101 },
  ])
    filters.push(...filters.map(filter => ({ ...filter, ...more })))
  const details: JobFilter[] = [
    { label: name('gpu') },
    { exitCode: 1 },
    { text: 'RGET=rel' },
    { queuedFromMs: 2_004 },
    { queuedBeforeMs: 2_010 },
    { queuedFromMs: 2_004, queuedBeforeMs: 2_010, label: name('big'), text: 'debug' },
    { queuedFromMs: 9_000 },
    { queuedBeforeMs: 1 },
  ]
  const states = ['PENDING', 'RUNNING', 'COMPLETE', 'TIMEOUT', 'CANCELLED'] as const
  return filters.flatMap(filter => [
    filter,
    ...states.map(state => ({ ...filter, state })),
    ...details.map(detail => ({ ...filter, ...detail })),
  ])
}

const fits = (job: JobView, filter: JobFilter): boolean =>
  (filter.jobs?.includes(job.job) ?? true) &&
  (filter.action ?? job.action) === job.action &&
  (filter.user ?? job.user) === job.user &&
  (filter.worker ?? job.worker) === job.worker &&
  (filter.pid ?? job.pid) === job.pid &&
  (filter.state ?? job.state) === job.state &&
  (filter.label === undefined || job.labels.includes(filter.label)) &&
  (filter.exitCode ?? job.exitCode) === job.exitCode &&
  job.queuedAtMs >= (filter.queuedFromMs ?? 0) &&
  job.queuedAtMs < (filter.queuedBeforeMs ?? Number.POSITIVE_INFINITY) &&
  job.parameters.some(([key, value]) => `${key}=${value}`.includes(filter.text ?? ''))

async function allPages(store: Store, filter: JobFilter, limit: number): Promise<JobId[]> {
  const ids: JobId[] = []
  let after: JobId | undefined
  do {
    const page = await store.queryJobs(filter, after, limit)
    ids.push(...page.jobs.map(({ job }) => job))
    after = page.next
  } while (after !== undefined)
  return ids
}
