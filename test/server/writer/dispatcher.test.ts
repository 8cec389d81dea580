import fc from 'fast-check'
import t from 'tap'
import { Dispatcher } from '../../../lib/server/writer/dispatcher.js'
import { compareHeads } from '../../../lib/server/writer/heads.js'
import type { Seeker } from '../../../lib/server/writer/worker-class.js'
import type { Head, Queue, QueueId } from '../../../lib/store/store.js'
import type { JobId } from '../../../protocol/ids.js'
import { settle } from '../../helpers/clock.js'
import { type Given, Model } from './dispatcher-model.js'

type Command =
  | { readonly kind: 'add'; readonly queue: number; readonly priority: number; readonly count: number }
  | { readonly kind: 'claim'; readonly labels: number }
  | { readonly kind: 'take' | 'return' | 'withdraw' | 'finish' | 'cancel' | 'leave'; readonly pick: number }
  | { readonly kind: 'change'; readonly queue: number; readonly active: boolean; readonly runningMax: number }

const LABELS = [[], ['a'], ['b'], ['a', 'b']]
const queueOf = (id: number, active = true, runningMax = 0): Queue => ({
  ...{ id, labels: LABELS[id] as string[], active },
  ...(runningMax > 0 && { runningMax }),
})

const number = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max })
const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary })
const command: fc.Arbitrary<Command> = fc.oneof(
  often(2, fc.record({ kind: fc.constant('add' as const), queue: number(3), priority: number(2), count: number(7) })),
  often(6, fc.record({ kind: fc.constant('claim' as const), labels: number(3) })),
  often(
    4,
    fc.record({
      kind: fc.constantFrom('take' as const, 'return' as const, 'withdraw' as const, 'finish' as const),
      pick: number(99),
    }),
  ),
  often(1, fc.record({ kind: fc.constantFrom('cancel' as const, 'leave' as const), pick: number(99) })),
  often(
    1,
    fc.record({ kind: fc.constant('change' as const), queue: number(3), active: fc.boolean(), runningMax: number(3) }),
  ),
)

t.test('workers get the same jobs as by the plain rules, whatever comes in which order', async t => {
  const property = fc.asyncProperty(
    fc.array(command, { maxLength: 100, size: 'max' }),
    number(1),
    async (commands, slack) => {
      const model = new Model()
      const given: Given[] = []
      const dispatcher = new Dispatcher<Seeker>(
        {
          offer: (seeker, _queue, head) => given.push({ turn: seeker.turn, job: head.job }) > 0,
          mayTake: () => true,
          readHeads: async (queue, after, limit) => model.rowsBehind(queue, after, limit),
          readFailed: (_queue, error) => t.fail(String(error)),
        },
        2 + slack,
      )
      for (const id of [0, 1, 2, 3]) {
        model.queues.set(id, { queue: queueOf(id), running: 0 })
        dispatcher.putQueue(queueOf(id))
      }
      await settle(1)
      let fresh = 0
      for (const next of commands) {
        fresh = apply(next, model, dispatcher, fresh)
        model.match()
        await settle(1)
        if (dispatcher.parkedCount !== model.parked.length) throw new Error(`${dispatcher.parkedCount} are parked`)
        if (JSON.stringify(given) !== JSON.stringify(model.given))
          throw new Error(`given ${JSON.stringify(given)}, expected ${JSON.stringify(model.given)}`)
      }
    },
  )
  await fc.assert(property, { numRuns: 500 })
})

function apply(next: Command, model: Model, dispatcher: Dispatcher<Seeker>, fresh: number): number {
  switch (next.kind) {
    case 'add': {
      const heads = Array.from({ length: next.count }, (_, index) => headOf(fresh + index + 1, next.priority))
      model.pending.push(...heads.map(head => ({ queue: next.queue, head })))
      dispatcher.added(next.queue, heads)
      return fresh + next.count
    }
    case 'claim': {
      const labels = LABELS[next.labels] as string[]
      const seeker: Seeker = { labels, classKey: labels.join(), turn: fresh + 1 }
      model.parked.push(seeker)
      if (dispatcher.seek(seeker) === 'none') dispatcher.park(seeker)
      return fresh + 1
    }
    case 'change': {
      const queue = queueOf(next.queue, next.active, next.runningMax)
      const known = model.queues.get(next.queue) as { queue: Queue; running: number }
      known.queue = queue
      dispatcher.putQueue(queue)
      return fresh
    }
    case 'leave': {
      const seeker = takeOut(model.parked, next.pick)
      if (seeker) dispatcher.unpark(seeker)
      return fresh
    }
    case 'finish': {
      const queue = takeOut(model.running, next.pick)
      const known = queue === undefined ? undefined : model.queues.get(queue)
      if (queue === undefined || !known) return fresh
      known.running--
      dispatcher.left(queue)
      return fresh
    }
    case 'cancel': {
      const job = takeOut(model.pending, next.pick)
      if (job) dispatcher.gone(job.queue, job.head.job)
      return fresh
    }
    default:
      endOffer(next.kind, next.pick, model, dispatcher)
      return fresh
  }
}

function endOffer(
  kind: 'take' | 'return' | 'withdraw',
  pick: number,
  model: Model,
  dispatcher: Dispatcher<Seeker>,
): void {
  const offer = takeOut(model.offered, pick)
  if (!offer) return
  const { queue, head } = offer
  if (kind === 'take') {
    const known = model.queues.get(queue) as { queue: Queue; running: number }
    known.running++
    model.running.push(queue)
    dispatcher.taken(queue, head.job)
  } else if (kind === 'return') {
    model.pending.push(offer)
    dispatcher.returned(queue, head)
  } else dispatcher.withdrawn(queue, head.job)
}

const headOf = (id: number, priority: number): Head => ({ job: id as JobId, priority })

function takeOut<T>(list: T[], pick: number): T | undefined {
  return list.splice(pick % Math.max(1, list.length), 1)[0]
}

t.test('no job is lost or given twice when rows are read late, while everything goes on', async t => {
  const property = fc.asyncProperty(fc.array(command, { maxLength: 100, size: 'max' }), async commands => {
    const model = new Model()
    const out = new Map<number, QueueId>()
    const dispatcher = new Dispatcher<Seeker>(
      {
        offer(seeker, queue, head) {
          const index = model.pending.findIndex(({ head: { job } }) => job === head.job)
          if (index < 0) throw new Error(`job ${head.job} is not to be had`)
          model.offered.push(...model.pending.splice(index, 1))
          model.parked.splice(model.parked.indexOf(seeker), 1)
          return out.set(head.job, queue).size > 0
        },
        mayTake: () => true,
        async readHeads(queue, after, limit) {
          const rows = model.rowsBehind(queue, after, limit)
          await settle(1)
          return rows
        },
        readFailed: (_queue, error) => t.fail(String(error)),
      },
      2,
    )
    for (const id of [0, 1, 2, 3]) {
      model.queues.set(id, { queue: queueOf(id), running: 0 })
      dispatcher.putQueue(queueOf(id))
    }
    let fresh = 0
    for (const next of commands) fresh = apply(next, model, dispatcher, fresh)
    for (const id of [0, 1, 2, 3]) dispatcher.putQueue(queueOf(id))
    const labels = LABELS[3] as string[]
    for (let left = model.pending.length; left > 0; left--) {
      const seeker: Seeker = { labels, classKey: labels.join(), turn: ++fresh }
      model.parked.push(seeker)
      if (dispatcher.seek(seeker) === 'none') dispatcher.park(seeker)
    }
    while (dispatcher.readsDone() !== undefined) await dispatcher.readsDone()
    if (model.pending.length > 0) throw new Error(`${model.pending.length} jobs were lost`)
  })
  await fc.assert(property, { numRuns: 500 })
})

t.test('a job that is offered is not read again as one that waits', async t => {
  const rows: Head[] = []
  const given: number[] = []
  const dispatcher = new Dispatcher<Seeker>(
    {
      offer: (_seeker, _queue, head) => given.push(head.job) > 0,
      mayTake: () => true,
      readHeads: async (_queue, after, limit) =>
        rows.filter(row => !after || compareHeads(row, after) > 0).slice(0, limit),
      readFailed: (_queue, error) => t.fail(String(error)),
    },
    2,
  )
  const add = (...heads: Head[]): void => {
    rows.push(...heads)
    rows.sort(compareHeads)
    dispatcher.added(0, heads)
  }
  dispatcher.putQueue(queueOf(0))
  await dispatcher.readsDone()
  add(headOf(1, 0))
  const seek = (turn: number) => dispatcher.seek({ labels: [], classKey: '', turn })
  seek(0)
  add(...[2, 3, 4, 5, 6, 7].map(job => headOf(job, 1)))
  for (let turn = 1; turn <= 8; turn++) {
    seek(turn)
    await dispatcher.readsDone()
  }
  t.strictSame(given, [1, 2, 3, 4, 5, 6, 7])
})

t.test('a queue whose rows cannot be read is read again with the next pass', async t => {
  const fault: { isThere: boolean; count: number } = { isThere: true, count: 0 }
  const given: number[] = []
  const dispatcher = new Dispatcher<Seeker>({
    offer: (_seeker, _queue, head) => given.push(head.job) > 0,
    mayTake: () => true,
    async readHeads() {
      if (fault.isThere) throw new Error('no disk')
      return [headOf(7, 0)]
    },
    readFailed: () => fault.count++,
  })
  dispatcher.putQueue(queueOf(0))
  const seeker = { labels: [], classKey: '', turn: 1 }
  t.equal(dispatcher.seek(seeker), 'none')
  dispatcher.park(seeker)
  await dispatcher.readsDone()
  t.equal(fault.count, 1)
  fault.isThere = false
  dispatcher.pass()
  await dispatcher.readsDone()
  t.strictSame(given, [7])
  t.equal(dispatcher.readsDone(), undefined)
})

t.test('a million jobs that wait cost no memory and no time: one window of them is held', async t => {
  const count = { reads: 0, rows: 0 }
  const dispatcher = new Dispatcher<Seeker>({
    offer: () => true,
    mayTake: () => true,
    async readHeads(_queue, after, limit) {
      count.reads++
      count.rows += limit
      const first = after ? after.job + 1 : 1
      return Array.from({ length: limit }, (_, index) => headOf(first + index, 0))
    },
    readFailed: (_queue, error) => t.fail(String(error)),
  })
  dispatcher.putQueue(queueOf(0))
  await dispatcher.readsDone()
  for (let job = 1_000; job < 1_001_000; job++) dispatcher.added(0, [headOf(job, 0)])
  t.equal(count.reads, 1)
  for (let turn = 0; turn < 1_000; turn++) {
    if (dispatcher.seek({ labels: [], classKey: '', turn }) !== 'offered') t.fail(`turn ${turn} got nothing`)
    await dispatcher.readsDone()
  }
  t.ok(count.rows <= 1_000 + 2 * 256)
})

t.test('sets of labels that nobody asks for are forgotten, and those that park are kept', async t => {
  const dispatcher = new Dispatcher<Seeker>({
    offer: () => true,
    mayTake: () => true,
    readHeads: async () => [],
    readFailed: (_queue, error) => t.fail(String(error)),
  })
  dispatcher.putQueue(queueOf(0))
  await dispatcher.readsDone()
  const seekers = Array.from({ length: 4_096 }, (_, turn) => ({ labels: [`l${turn}`], classKey: `l${turn}`, turn }))
  for (const seeker of seekers) dispatcher.park(seeker)
  const late = { labels: ['late'], classKey: 'late', turn: 5_000 }
  t.throws(() => dispatcher.seek(late), { code: 'E_TOO_MANY' })
  dispatcher.unpark(seekers[9] as Seeker)
  t.equal(dispatcher.seek(late), 'none')
  for (let pass = 0; pass < 200; pass++) dispatcher.pass()
  dispatcher.added(0, [headOf(1, 0)])
  t.equal(dispatcher.parkedCount, 4_094)
})
