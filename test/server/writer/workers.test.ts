import t from 'tap'
import { createWorkerSlots } from '../../../lib/server/shared-slots.js'
import { Workers } from '../../../lib/server/writer/workers.js'
import type { NewWorker } from '../../../lib/server/writer/writer.js'
import type { Name } from '../../../protocol/ids.js'
import { FakeClock } from '../../helpers/clock.js'
import { instanceId, nameOf, startWorld } from './world.js'

const refused = (code: string): { code: string } => ({ code })

t.test('a second process under a name is refused while the first is connected and beats', async t => {
  const w = await startWorld(t)
  const slot = await w.attach(1, 'w', { instance: 1 })
  await t.rejects(w.attach(2, 'w', { instance: 2 }), refused('E_WORKER_NAME_TAKEN'))
  await w.beatFor(3_000, [], [slot])
  await t.rejects(w.attach(2, 'w', { instance: 2 }), refused('E_WORKER_NAME_TAKEN'))
  await w.clock.advance(1_501)
  await w.attach(2, 'w', { instance: 2 })
  t.equal(w.workerSlots.beat(slot, w.clock.monotonicMs(), 1, 0), false, 'the first one is not attached any more')
  await t.rejects(w.claim(1), refused('E_NOT_ATTACHED'))
  await w.writer.connectionClosed(1)
  t.equal(await w.claim(2), undefined, 'the end of the old connection takes nothing from the new one')
  await w.writer.connectionClosed(2)
  await w.attach(3, 'w', { instance: 3 })
})

t.test('the same process takes its name over, and the claims of its old connection end', async t => {
  const w = await startWorld(t)
  await w.attach(1, 'w', { instance: 1 })
  const parked = w.claim(1, 60_000)
  await w.attach(2, 'w', { instance: 1 })
  t.equal(await parked, undefined)
  t.match(await w.writer.counters(), { workers: 1, claimsParked: 0 })
})

t.test('a worker that attaches again over its connection may change its labels', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { command: ['true'], labels: ['gpu'] })
  const [job] = await w.queue('a')
  await w.attach(1, 'w', { instance: 1 })
  const parked = w.claim(1, 60_000)
  await w.attach(1, 'w', { instance: 1, labels: ['gpu', 'gpu'] })
  t.equal(await parked, undefined)
  t.equal((await w.claim(1))?.job, job)
})

t.test('people see a worker as alive, suspect and lost', async t => {
  const w = await startWorld(t)
  await w.addAction('a', { command: ['true'], leaseMs: 120_000 })
  const [job] = await w.queue('a')
  const slot = await w.attach(1, 'w', { labels: ['b', 'a'] })
  w.workerSlots.beat(slot, w.clock.monotonicMs(), 3, 1.25)
  await w.run(1)
  const view = async () => (await w.writer.listWorkers(undefined, 10)).workers[0]
  const counts = async () => (await w.writer.counters()).liveness
  t.match(await view(), {
    ...{ worker: 'w', user: 'bot', liveness: 'alive', labels: ['a', 'b'], slots: 4, free: 3, load: 1.25 },
    ...{ jobs: [job], beatAtMs: w.clock.nowMs(), attachedAtMs: w.clock.nowMs() },
  })
  t.strictSame(await counts(), { alive: 1, suspect: 0, lost: 0 })
  await w.clock.advance(1_501)
  t.strictSame(await counts(), { alive: 0, suspect: 1, lost: 0 })
  t.match(await view(), { liveness: 'suspect', beatAtMs: w.clock.nowMs() - 1_501 })
  await w.writer.connectionClosed(1)
  await w.clock.advance(120_000)
  t.match(await view(), { liveness: 'suspect' }, 'it may still come back to its job')
  await w.clock.advance(5_000)
  t.match(await view(), { liveness: 'lost', jobs: [], free: 3 })
  t.strictSame(await counts(), { alive: 0, suspect: 0, lost: 1 })
  await w.clock.advance(3_600_000)
  t.equal(await view(), undefined, 'forgotten')
})

t.test('workers are listed by name, in pages', async t => {
  const w = await startWorld(t)
  for (const [index, name] of ['m', 'c', 'x', 'a', 'Z'].entries()) await w.attach(index + 1, name)
  const pages: string[][] = []
  let after: Name | undefined
  do {
    const { workers, next } = await w.writer.listWorkers(after, 2)
    pages.push(workers.map(view => view.worker))
    after = next
  } while (after !== undefined)
  t.strictSame(pages, [['Z', 'a'], ['c', 'm'], ['x']])
  t.strictSame(await w.writer.listWorkers(nameOf('b'), 1), { ...(await w.writer.listWorkers(nameOf('a'), 1)) })
})

t.test('no more workers are remembered than allowed: those that left first go first', async t => {
  const clock = new FakeClock()
  const busy = nameOf('w1')
  const workers = new Workers(
    createWorkerSlots(),
    clock,
    { jobsOf: () => [], isDrained: () => false, holdsAny: name => name === busy },
    3,
  )
  const fresh = (n: number): NewWorker => ({
    ...{ worker: nameOf(`w${n}`), user: nameOf('u'), instance: instanceId(n), labels: [], slots: 1, version: '1' },
  })
  for (const n of [1, 2, 3]) workers.attach(n, fresh(n))
  t.throws(() => workers.attach(4, fresh(4)), refused('E_TOO_MANY'))
  for (const n of [1, 3, 2]) workers.detach(n)
  workers.attach(4, fresh(4))
  t.strictSame(
    workers.list(undefined, 9).workers.map(view => view.worker),
    ['w1', 'w2', 'w4'],
  )
  workers.attach(5, fresh(2))
  t.equal(workers.attachedCount, 2)
})
