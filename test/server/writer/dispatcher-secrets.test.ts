import t from 'tap'
import { Dispatcher } from '../../../lib/server/writer/dispatcher.js'
import type { Seeker } from '../../../lib/server/writer/worker-class.js'
import type { Head, Queue } from '../../../lib/store/store.js'
import type { JobId } from '../../../protocol/ids.js'

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
