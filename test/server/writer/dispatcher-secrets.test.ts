import t from 'tap'
import { Dispatcher } from '../../../lib/server/writer/dispatcher.js'
import type { Seeker } from '../../../lib/server/writer/worker-class.js'
import type { Head, Queue } from '../../../lib/store/store.js'
import type { JobId } from '../../../protocol/ids.js'
import { nameOf, startWorld } from './world.js'

const QUEUE: Queue = { id: 0, labels: [], active: true }
const headOf = (job: number): Head => ({ job: job as JobId, priority: 0 })

t.test('a queue with secrets is for workers on private connections, from the change on', async t => {
  const given: number[] = []
  const dispatcher = new Dispatcher<Seeker>({
    offer: (_seeker, _queue, head) => given.push(head.job) > 0,
    mayTake: () => true,
    readHeads: async () => [],
    readFailed: () => t.fail('nothing to read'),
  })
  dispatcher.putQueue({ ...QUEUE, hasSecrets: true })
  await dispatcher.readsDone()
  dispatcher.added(0, [headOf(1), headOf(2)])
  const open = { labels: [], classKey: '', turn: 1 }
  const shut = { labels: [], isPrivate: true, classKey: ' private', turn: 2 }
  t.equal(dispatcher.seek(open), 'none')
  dispatcher.park(open)
  t.equal(dispatcher.seek(shut), 'offered')
  t.strictSame(given, [1])
  dispatcher.putQueue(QUEUE)
  t.strictSame(given, [1, 2], 'whoever waits for it has it once the secrets are gone')
})

t.test('an offer of an action with secrets is not taken by who does not look for them', async t => {
  const w = await startWorld(t)
  await w.addAction('a')
  const jobs = await w.queue('a', { count: 2 })
  await w.attach(1, 'w')
  const plain = (await w.claim(1))!
  const held = await w.writer.acknowledgePlain(1, plain.job, plain.lease)
  t.match(held, { attempt: 1, isNew: true })
  t.equal(await w.writer.acknowledgePlain(1, plain.job, plain.lease), undefined, 'it may have had some then')
  const { job, lease } = (await w.claim(1))!
  await w.writer.setSecret(nameOf('a'), { secret: 'TOKEN', sealed: new Uint8Array(40) })
  t.equal(await w.writer.acknowledgePlain(1, job, lease), undefined)
  t.equal(await w.stateOf(jobs[1]!), 'PENDING')
  await w.writer.acknowledge(1, job, lease)
  t.equal(await w.stateOf(jobs[1]!), 'RUNNING')
})
