import t from 'tap'
import { createLeaseSlots } from '../../../lib/server/shared-slots.js'
import type { JobId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { settle } from '../../helpers/clock.js'
import { claimId, nameOf, startWorld } from './world.js'

const refused = (code: string): { code: string } => ({ code })

t.test('a claim gets the job with the highest priority, then the oldest, over all queues', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  await w.addAction('b', { command: ['true'], priority: 3 })
  const [first] = await w.queue('a')
  const [second] = await w.queue('b')
  const [third] = await w.queue('a', { priority: 5 })
  const [fourth] = await w.queue('a', { priority: 3 })
  await w.attach(1, 'w')
  const got = [await w.claim(1), await w.claim(1), await w.claim(1), await w.claim(1), await w.claim(1)]
  t.strictSame(
    got.map(grant => grant?.job),
    [third, second, fourth, first, undefined],
  )
})

t.test('a grant carries the definition, and the parameters behind the environment', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { script: 'make', environment: [['A', '1']], labels: ['gpu'], timeLimitMs: 9_000 })
  const order = {
    user: nameOf('ann'),
    role: 'admin' as const,
    key: 'key-of-this',
    count: 1,
    parameters: [['B', '2']] as const,
  }
  const [job] = await w.writer.queueJobs(nameOf('a'), order)
  await w.attach(1, 'w', { labels: ['gpu'] })
  const grant = await w.claim(1)
  t.match(grant, { job, attempt: 1, action: 'a', script: 'make', timeLimitMs: 9_000, stderr: 'apart' })
  t.match(grant?.lease, /^[0-9a-f]{32}$/)
  t.strictSame(grant?.environment, [
    ['A', '1'],
    ['B', '2'],
  ])
})

t.test('a worker gets only jobs whose labels it has all', async t => {
  const w = await startWorld(t)
  await w.addAction('both', { command: ['true'], labels: ['gpu', 'arm'] })
  await w.addAction('one', { command: ['true'], labels: ['gpu'] })
  await w.queue('both', { priority: 9 })
  const [one] = await w.queue('one')
  await w.attach(1, 'w1', { labels: ['gpu'] })
  await w.attach(2, 'w2', { labels: [] })
  t.equal((await w.claim(1))?.job, one)
  t.equal(await w.claim(1), undefined)
  t.equal(await w.claim(2), undefined)
  await w.addAction('both', { command: ['true'], labels: ['gpu'] })
  t.ok(await w.claim(1), 'the labels of an action count as they are now')
})

t.test('a parked claim is answered by the commit of the job, without a timer', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  await w.attach(1, 'w')
  const parked = w.claim(1, 60_000)
  const [job] = await w.queue('a')
  t.equal((await parked)?.job, job)
  t.match(await w.writer.counters(), { pending: 1, running: 0, workers: 1, claimsParked: 0 })
})

t.test('parked claims are served in the order in which they came', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const got: [number, JobId | undefined][] = []
  for (const connection of [3, 1, 2]) {
    await w.attach(connection, `w${connection}`, { labels: connection === 1 ? ['other'] : [] })
    void w.claim(connection, 60_000).then(grant => got.push([connection, grant?.job]))
  }
  const jobs = await w.queue('a', { count: 3 })
  await settle()
  t.strictSame(got, [
    [3, jobs[0]],
    [1, jobs[1]],
    [2, jobs[2]],
  ])
})

t.test('a parked claim of a worker that missed its beats is passed over until it beats again', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const silent = await w.attach(1, 'silent')
  const parked = w.claim(1, 60_000)
  await w.clock.advance(1_600)
  await w.attach(2, 'lively')
  const second = w.claim(2, 60_000)
  const jobs = await w.queue('a', { count: 2 })
  t.equal((await second)?.job, jobs[0])
  await settle()
  t.equal((await w.writer.counters()).claimsParked, 1)
  w.workerSlots.beat(silent, w.clock.monotonicMs(), 1, 0)
  await w.clock.advance(500)
  t.equal((await parked)?.job, jobs[1])
})

t.test('a parked claim ends with its time, when it is cancelled, and with its connection', async t => {
  const w = await startWorld(t)
  await w.attach(1, 'w')
  const ends = w.claim(1, 3_000)
  await w.clock.advance(3_000)
  t.equal(await ends, undefined)
  const cancelled = w.writer.claim(1, claimId(7), 60_000)
  await w.writer.cancelClaim(1, claimId(8))
  t.equal((await w.writer.counters()).claimsParked, 1)
  await w.writer.cancelClaim(1, claimId(7))
  t.equal(await cancelled, undefined)
  const dropped = w.claim(1, 60_000)
  await w.writer.connectionClosed(1)
  t.equal(await dropped, undefined)
  await t.rejects(w.claim(1), refused('E_NOT_ATTACHED'))
  await w.addAction('a')
  await w.queue('a')
  t.match(await w.writer.counters(), { workers: 0, claimsParked: 0, pending: 1 })
})

t.test('a claim that is repeated gets the same grant, also over a new connection of the same process', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  await w.queue('a', { count: 3 })
  await w.attach(1, 'w', { instance: 9 })
  const grant = await w.writer.claim(1, claimId(1), 0)
  t.strictSame(await w.writer.claim(1, claimId(1), 0), grant)
  await w.writer.connectionClosed(1)
  await w.attach(2, 'w', { instance: 9 })
  t.strictSame(await w.writer.claim(2, claimId(1), 0), grant)
  const held = await w.writer.acknowledge(2, grant!.job, grant!.lease)
  t.strictSame(await w.writer.claim(2, claimId(1), 0), grant, 'acknowledged meanwhile')
  await w.writer.connectionClosed(2)
  await w.attach(3, 'other', { instance: 9_999 })
  t.not((await w.writer.claim(3, claimId(1), 0))?.job, grant!.job, 'of another process')
  t.equal(w.leaseSlots.beat(held.slot, w.clock.monotonicMs()), 'renewed')
})

t.test('a claim that is asked twice while it is parked is one claim', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  await w.attach(1, 'w')
  const both = [w.writer.claim(1, claimId(1), 60_000), w.writer.claim(1, claimId(1), 60_000)]
  await w.queue('a', { count: 2 })
  const [one, two] = await Promise.all(both)
  t.strictSame(one, two)
  t.ok(one)
})

t.test('an offer that is not acknowledged lapses, and its job goes to the next worker', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const [job] = await w.queue('a')
  await w.attach(1, 'w1')
  const lost = await w.claim(1)
  await w.clock.advance(LIMITS.grantMs.value - 100)
  await w.attach(2, 'w2')
  const parked = w.claim(2, 60_000)
  await w.clock.advance(100)
  const grant = await parked
  t.equal(grant?.job, job)
  t.not(grant?.lease, lost?.lease)
  await t.rejects(w.writer.acknowledge(1, job!, lost!.lease), refused('E_LEASE_LOST'))
  await w.writer.acknowledge(2, job!, grant!.lease)
  t.equal(await w.stateOf(job!), 'RUNNING')
})

t.test('an offer that is declined goes to the next claim at once', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const [job] = await w.queue('a')
  await w.attach(1, 'w1')
  const grant = await w.claim(1)
  await w.writer.decline(1, job!, grant!.lease)
  t.equal(await w.writer.decline(1, job!, grant!.lease), undefined, 'repeated')
  await w.attach(2, 'w2')
  await t.rejects(w.writer.decline(2, job!, grant!.lease), refused('E_LEASE_LOST'), 'it was not the offer of this one')
  await t.rejects(w.writer.decline(1, 99 as JobId, grant!.lease), refused('E_LEASE_LOST'))
  await t.rejects(w.writer.acknowledge(1, job!, grant!.lease), refused('E_LEASE_LOST'))
  t.equal((await w.claim(1))?.job, job)
})

t.test('no more jobs of an action are out than it allows, offers counted', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { command: ['true'], runningMax: 2 })
  const jobs = await w.queue('a', { count: 4 })
  await w.attach(1, 'w')
  const { grant } = await w.run(1)
  t.equal((await w.claim(1))?.job, jobs[1])
  const parked = w.claim(1, 60_000)
  await settle()
  t.equal((await w.writer.counters()).claimsParked, 1)
  t.equal(await w.finish(grant), 'COMPLETE')
  t.equal((await parked)?.job, jobs[2])
  const next = w.claim(1, 60_000)
  await w.addAction('a', { command: ['true'], runningMax: 3 })
  t.equal((await next)?.job, jobs[3], 'a higher limit counts at once')
})

t.test('a disabled action takes no jobs and starts none until it is enabled', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const [job] = await w.queue('a')
  t.strictSame(await w.writer.setActionActive(nameOf('a'), false), { changed: true })
  await t.rejects(w.queue('a'), refused('E_ACTION_DISABLED'))
  await t.rejects(w.queue('none'), refused('E_ACTION_NOT_FOUND'))
  await w.attach(1, 'w')
  t.equal(await w.claim(1), undefined)
  const parked = w.claim(1, 60_000)
  await w.writer.setActionActive(nameOf('a'), true)
  t.equal((await parked)?.job, job)
})

t.test('a key that has made jobs finds them also when the action was disabled since', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const order = { user: nameOf('ann'), role: 'admin' as const, key: 'made-before', count: 2, parameters: [] }
  const jobs = await w.writer.queueJobs(nameOf('a'), order)
  await w.writer.setActionActive(nameOf('a'), false)
  t.strictSame(await w.writer.queueJobs(nameOf('a'), order), jobs)
  await t.rejects(w.writer.queueJobs(nameOf('a'), { ...order, count: 3 }), refused('E_KEY_REUSED'))
  await t.rejects(w.writer.queueJobs(nameOf('a'), { ...order, key: 'never-made' }), refused('E_ACTION_DISABLED'))
  t.equal((await w.writer.counters()).pending, 2)
})

t.test('a request key is forgotten after a day, and not before', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const order = { user: nameOf('ann'), role: 'admin' as const, key: 'of-yesterday', count: 1, parameters: [] }
  const first = await w.writer.queueJobs(nameOf('a'), order)
  for (let n = 0; n < 300; n++) await w.queue('a')
  w.clock.step(LIMITS.requestKeyMs.value - 70_000)
  await w.clock.advance(61_000)
  t.strictSame(await w.writer.queueJobs(nameOf('a'), order), first)
  await w.clock.advance(70_000)
  const second = await w.writer.queueJobs(nameOf('a'), order)
  t.not(second[0], first[0], 'a new job')
  t.strictSame(await w.writer.queueJobs(nameOf('a'), order), second)
  t.strictSame(await w.store.forgetRequestKeys(w.clock.nowMs() - LIMITS.requestKeyMs.value, 9), { more: false })
})

t.test('without a free slot the job stays PENDING and is given out when one is free', async t => {
  const leaseSlots = createLeaseSlots(new SharedArrayBuffer(48))
  const w = await startWorld(t, { leaseSlots })
  await w.addAction('a')
  const jobs = await w.queue('a', { count: 2 })
  await w.attach(1, 'w')
  const { grant } = await w.run(1)
  await t.rejects(w.claim(1), refused('E_TOO_MANY'))
  t.equal(await w.stateOf(jobs[1]!), 'PENDING')
  await w.finish(grant)
  t.equal((await w.claim(1))?.job, jobs[1])
})

t.test('a job that cannot be read is set aside, the others go on, and it is tried again later', async t => {
  let bad: JobId | undefined
  const fault: { isMissing: boolean } = { isMissing: false }
  const w = await startWorld(t, {
    store: store => ({
      ...store,
      async readOrder(job) {
        if (job !== bad) return store.readOrder(job)
        if (fault.isMissing) return undefined
        throw new Error('the row is broken')
      },
    }),
  })
  await w.addAction('a')
  const jobs = await w.queue('a', { count: 2 })
  bad = jobs[0]
  await w.attach(1, 'w')
  t.equal((await w.claim(1))?.job, jobs[1])
  t.equal(await w.claim(1), undefined)
  fault.isMissing = true
  await w.clock.advance(60_500)
  t.equal((await w.claim(1))?.job, jobs[1], 'the other one came back first')
  t.equal(await w.claim(1), undefined)
  bad = undefined
  await w.addAction('a', { command: ['false'] })
  t.equal((await w.claim(1))?.job, jobs[0], 'a change of the action tries it again')
})

t.test('a repeated request key makes no second job', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const order = { user: nameOf('ann'), role: 'admin' as const, key: 'same-key', count: 2, parameters: [] }
  const jobs = await w.writer.queueJobs(nameOf('a'), order)
  t.strictSame(await w.writer.queueJobs(nameOf('a'), order), jobs)
  t.equal((await w.writer.counters()).pending, 2)
  await w.attach(1, 'w')
  t.strictSame([(await w.claim(1))?.job, (await w.claim(1))?.job, await w.claim(1)], [...jobs, undefined])
})
