import t from 'tap'
import type { Store } from '../../../lib/store/store.js'
import { JankinsError } from '../../../protocol/errors.js'
import type { LeaseId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { settle } from '../../helpers/clock.js'
import { claimId, hex32, startWorld } from './world.js'

const refused = (code: string): { code: string } => ({ code })
const LEASE_MS = 3_000
const DUE_MS = LEASE_MS + LIMITS.leaseMarginMs.value
const short = { command: ['true'], leaseMs: LEASE_MS }

t.test('an acknowledged job runs, with its worker in the record, and its slot is live', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { command: ['true'], logLimitBytes: 99 })
  const [job] = await w.queue('a')
  await w.attach(1, 'w')
  const { grant, held } = await w.run(1)
  t.match(await w.store.findJob(job!), { state: 'RUNNING', worker: 'w', workerUser: 'bot', attempt: 1 })
  t.match(held, { attempt: 1, logLimitBytes: 99 })
  t.ok(w.leaseSlots.isLive(held.slot))
  await w.writer.started(job!, grant.lease, 4_711)
  await t.rejects(w.writer.started(job!, hex32(5) as LeaseId, 1), refused('E_LEASE_LOST'))
  t.equal((await w.store.findJob(job!))?.pid, 4_711)
  t.match(await w.writer.counters(), { pending: 0, running: 1 })
})

t.test('an acknowledgement may be repeated at once, later, and over a new connection', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  await w.queue('a')
  await w.attach(1, 'w', { instance: 5 })
  const { job, lease } = (await w.claim(1))!
  const both = await Promise.all([w.writer.acknowledge(1, job, lease), w.writer.acknowledge(1, job, lease)])
  await w.writer.connectionClosed(1)
  await t.rejects(w.writer.acknowledge(1, job, lease), refused('E_NOT_ATTACHED'))
  await w.attach(2, 'w', { instance: 5 })
  const again = await w.writer.acknowledge(2, job, lease)
  t.strictSame([both[1]?.slot, again.slot], [both[0]?.slot, both[0]?.slot])
  await t.rejects(w.writer.acknowledge(2, job, hex32(1) as LeaseId), refused('E_LEASE_LOST'))
  t.match(await w.writer.counters(), { pending: 0, running: 1 })
})

t.test('an offer cannot be acknowledged under another name', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  await w.queue('a')
  await w.attach(1, 'w1')
  await w.attach(2, 'w2')
  const { job, lease } = (await w.claim(1))!
  await t.rejects(w.writer.acknowledge(2, job, lease), refused('E_LEASE_LOST'))
  await t.rejects(w.writer.decline(2, job, lease), refused('E_LEASE_LOST'))
  await w.writer.acknowledge(1, job, lease)
})

t.test('a finished job closes its lease, and finishing again changes nothing', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const [job] = await w.queue('a')
  await w.attach(1, 'w')
  const { grant, held } = await w.run(1)
  t.equal(await w.finish(grant, { exitCode: 3 }), 'COMPLETE')
  t.equal(await w.finish(grant, { exitCode: 3 }), 'COMPLETE')
  t.equal(w.leaseSlots.beat(held.slot, w.clock.monotonicMs()), 'lost')
  t.match(await w.store.findJob(job!), { state: 'COMPLETE', exitCode: 3 })
  await t.rejects(w.writer.resume(1, job!, grant.lease), refused('E_LEASE_LOST'))
  await t.rejects(w.writer.acknowledge(1, job!, grant.lease), refused('E_LEASE_LOST'))
  t.match(await w.writer.counters(), { pending: 0, running: 0 })
})

t.test(
  'a lease lives as long as it is beaten, and ends as TIMEOUT its length and margin after the last beat',
  async t => {
    const w = await startWorld(t)
    await w.addAction('a', short)
    const [job] = await w.queue('a')
    await w.attach(1, 'w')
    const { grant, held } = await w.run(1)
    await w.beatFor(3 * DUE_MS, [held.slot])
    t.equal(await w.stateOf(job!), 'RUNNING')
    await w.clock.advance(DUE_MS)
    t.equal(await w.stateOf(job!), 'RUNNING', 'the margin belongs to the lease')
    await w.clock.advance(500)
    t.match(await w.store.findJob(job!), { state: 'TIMEOUT', reason: 'worker-lost', logBytes: 7 })
    t.equal(w.leaseSlots.beat(held.slot, w.clock.monotonicMs()), 'lost')
    await t.rejects(w.finish(grant), refused('E_LEASE_LOST'))
    await t.rejects(w.writer.resume(1, job!, grant.lease), refused('E_LEASE_LOST'))
    t.match(await w.writer.counters(), { pending: 0, running: 0 })
  },
)

t.test('a job with retries is offered again after its lease, with the next attempt and its priority', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { ...short, retries: 1 })
  const [job] = await w.queue('a', { priority: 4 })
  await w.attach(1, 'w1')
  const first = await w.run(1)
  await w.clock.advance(DUE_MS + 500)
  t.match(await w.writer.counters(), { pending: 1, running: 0 })
  await w.attach(2, 'w2')
  const second = await w.run(2)
  t.match(second.grant, { job, attempt: 2, priority: 4 })
  await t.rejects(w.finish(first.grant), refused('E_LEASE_LOST'))
  t.equal(await w.finish(second.grant, { reason: 'time-limit' }), 'TIMEOUT')
})

t.test('a job whose worker met the time limit goes back to the queue while it has retries', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { ...short, retries: 1, runningMax: 1 })
  const [job] = await w.queue('a', { count: 2 })
  await w.attach(1, 'w')
  const { grant } = await w.run(1)
  const parked = w.claim(1, 60_000)
  t.equal(await w.finish(grant, { reason: 'time-limit' }), 'PENDING')
  t.match(await parked, { job, attempt: 2 })
  t.equal(await w.finish(grant, { reason: 'time-limit' }), 'PENDING', 'repeated')
  t.match(await w.writer.counters(), { pending: 2, running: 0 })
})

t.test('a job that waits is cancelled by a stop, one that is offered is withdrawn', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { ...short, runningMax: 1 })
  const [first, second, third] = await w.queue('a', { count: 3 })
  await w.attach(1, 'w')
  t.strictSame(await w.writer.stopJob(second!), { state: 'CANCELLED', requested: true })
  t.strictSame(await w.writer.stopJob(second!), { state: 'CANCELLED', requested: true }, 'repeated')
  const grant = (await w.claim(1))!
  t.equal(grant.job, first)
  const parked = w.claim(1, 60_000)
  await w.writer.stopJob(first!)
  t.equal((await parked)?.job, third, 'a stop makes room')
  await t.rejects(w.writer.acknowledge(1, first!, grant.lease), refused('E_LEASE_LOST'))
  await t.rejects(w.writer.stopJob(999 as typeof first & number), refused('E_JOB_NOT_FOUND'))
  t.match(await w.writer.counters(), { pending: 1, running: 0 })
})

t.test('a running job hears of a stop with its next beat, and ends as CANCELLED', async t => {
  const w = await startWorld(t)
  await w.addAction('a', short)
  const [job] = await w.queue('a')
  await w.attach(1, 'w')
  const { grant, held } = await w.run(1)
  t.strictSame(await w.writer.stopJob(job!), { state: 'RUNNING', requested: true })
  t.equal(w.leaseSlots.beat(held.slot, w.clock.monotonicMs()), 'stop')
  t.match(await w.writer.resume(1, job!, grant.lease), { slot: held.slot, stop: true })
  t.equal(await w.finish(grant, { reason: 'stopped', signal: 'SIGTERM' }), 'CANCELLED')
  t.strictSame(await w.writer.stopJob(job!), { state: 'CANCELLED', requested: true })
})

t.test('a stop and an acknowledgement in one commit, in either order, end in a stopped job', async t => {
  for (const stopFirst of [true, false]) {
    const w = await startWorld(t)
    await w.addAction('a')
    const [job] = await w.queue('a')
    await w.attach(1, 'w')
    const { lease } = (await w.claim(1))!
    const stop = (): Promise<unknown> => w.writer.stopJob(job!)
    const stopped = stopFirst ? stop() : undefined
    const taken = w.writer.acknowledge(1, job!, lease)
    const [, held] = await Promise.allSettled([stopped ?? stop(), taken])
    if (held.status === 'rejected') t.match(held.reason, refused('E_LEASE_LOST'))
    else t.equal(w.leaseSlots.beat(held.value.slot, w.clock.monotonicMs()), 'stop')
    t.equal(await w.stateOf(job!), stopFirst ? 'CANCELLED' : 'RUNNING')
    t.match(await w.writer.counters(), { pending: 0, running: stopFirst ? 0 : 1 })
  }
})

t.test('a write that fails while a lease ends leaves it ended, and is tried again', async t => {
  const full = { is: false, tries: 0 }
  const w = await startWorld(t, { store: store => refusing(store, full) })
  await w.addAction('a', short)
  const [job] = await w.queue('a')
  await w.attach(1, 'w')
  const { held } = await w.run(1)
  full.is = true
  await w.clock.advance(DUE_MS + 500)
  t.equal(await w.stateOf(job!), 'RUNNING')
  t.equal(w.leaseSlots.beat(held.slot, w.clock.monotonicMs()), 'lost')
  await w.clock.advance(1_000)
  t.ok(full.tries >= 2)
  full.is = false
  await w.clock.advance(500)
  t.equal(await w.stateOf(job!), 'TIMEOUT')
})

t.test('a lease ends only when nothing is being written to the parts of its job', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { command: ['true'], leaseMs: 3_000 })
  await w.queue('a')
  await w.attach(1, 'w')
  const { grant, held } = await w.run(1)
  t.ok(w.leaseSlots.lockParts(held.slot, 1), 'bytes are on their way to the disk')
  await w.clock.advance(20_000)
  t.notOk(w.leaseSlots.isLive(held.slot), 'the lease is over')
  t.equal(await w.stateOf(grant.job), 'RUNNING')
  w.leaseSlots.unlockParts(held.slot, 1)
  await w.clock.advance(500)
  t.equal(await w.stateOf(grant.job), 'TIMEOUT')
})

t.test('an acknowledgement that could not be written may be repeated, and else the offer lapses', async t => {
  const full = { is: false, tries: 0 }
  const w = await startWorld(t, { store: store => refusing(store, full) })
  await w.addAction('a')
  const jobs = await w.queue('a', { count: 2 })
  await w.attach(1, 'w')
  const first = (await w.claim(1))!
  const second = (await w.claim(1))!
  full.is = true
  await t.rejects(w.writer.acknowledge(1, first.job, first.lease), refused('E_STORE_FULL'))
  await t.rejects(w.writer.acknowledge(1, second.job, second.lease), refused('E_STORE_FULL'))
  full.is = false
  await w.writer.acknowledge(1, first.job, first.lease)
  await w.clock.advance(LIMITS.grantMs.value)
  t.equal((await w.claim(1))?.job, jobs[1])
})

t.test('after a restart what ran gets one full lease, and its worker resumes by token', async t => {
  const before = await startWorld(t)
  await before.addAction('a', { ...short, logLimitBytes: 88, retries: 1, runningMax: 2 })
  const jobs = await before.queue('a', { count: 4, priority: 2 })
  await before.attach(1, 'w', { instance: 3 })
  const one = await before.run(1)
  const two = await before.run(1)
  await before.writer.stopJob(two.grant.job)
  const offered = await before.claim(1)
  t.equal(offered, undefined, 'two may run')
  const w = await before.restart()
  t.match(await w.writer.counters(), { pending: 2, running: 2, workers: 0 })
  await w.clock.advance(DUE_MS)
  await w.attach(1, 'w', { instance: 3 })
  t.equal(await w.claim(1), undefined, 'two run still')
  const held = await w.writer.resume(1, one.grant.job, one.grant.lease)
  t.match(held, { attempt: 1, logLimitBytes: 88, stop: false })
  t.strictSame((await w.writer.acknowledge(1, one.grant.job, one.grant.lease)).slot, held.slot)
  t.match(await w.writer.resume(1, two.grant.job, two.grant.lease), { stop: true })
  t.match(await w.writer.listWorkers(undefined, 9), { workers: [{ jobs: [one.grant.job, two.grant.job] }] })
  w.leaseSlots.beat(held.slot, w.clock.monotonicMs())
  await w.clock.advance(500)
  t.equal(await w.stateOf(two.grant.job), 'CANCELLED', 'nobody beat for it')
  t.equal((await w.claim(1))?.job, jobs[2])
  await w.clock.advance(DUE_MS)
  t.equal(await w.stateOf(one.grant.job), 'PENDING')
  t.match((await w.run(1)).grant, { job: one.grant.job, attempt: 2, priority: 2 })
})

t.test('a lease of an earlier start that nobody resumes ends too', async t => {
  const before = await startWorld(t)
  await before.addAction('a', { ...short, retries: 1 })
  const [job] = await before.queue('a', { priority: -3 })
  await before.attach(1, 'w')
  await before.run(1)
  const w = await (await before.restart()).restart()
  await w.queue('a', { priority: -1 })
  await w.clock.advance(DUE_MS + 500)
  t.equal(await w.stateOf(job!), 'PENDING')
  await w.attach(2, 'w2')
  t.not((await w.claim(2))?.job, job, 'it came back with its own priority')
  t.equal((await w.claim(2))?.job, job)
})

t.test('times of beats are written for people now and then', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const [job] = await w.queue('a')
  await w.attach(1, 'w')
  const { held } = await w.run(1)
  await w.beatFor(20_000, [held.slot])
  await settle()
  const seen = (await w.store.findJob(job!))?.heartbeatAtMs ?? 0
  t.ok(seen > w.clock.nowMs() - 7_000 && seen <= w.clock.nowMs())
})

t.test('an offer whose connection closed stays until it lapses', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const [job] = await w.queue('a')
  await w.attach(1, 'w1')
  await w.writer.claim(1, claimId(4), 0)
  await w.writer.connectionClosed(1)
  const worker = await w.attach(2, 'w2')
  t.equal(await w.claim(2), undefined)
  const parked = w.claim(2, 60_000)
  await w.beatFor(LIMITS.grantMs.value, [], [worker])
  t.equal((await parked)?.job, job)
})

function refusing(store: Store, full: { is: boolean; tries: number }): Store {
  return {
    ...store,
    async applyEvent(...args) {
      if (!full.is) return store.applyEvent(...args)
      full.tries++
      throw new JankinsError('E_STORE_FULL')
    },
  }
}
