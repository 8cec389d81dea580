import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import t from 'tap'
import { createLeaseSlots, createWorkerSlots } from '../../../lib/server/shared-slots.js'
import type { Words } from '../../../lib/server/slot-table.js'
import { createSteps } from './steps.js'

t.test('a beat renews a live lease, tells of a stop, and is lost on one that is over', async t => {
  const slots = createLeaseSlots()
  const ref = slots.open(1_000)!
  t.equal(slots.beat(ref, 2_000.7), 'renewed')
  t.equal(slots.beatAtMs(ref, 5_000), 2_000)
  t.equal(slots.beat(ref, 1_500), 'renewed')
  t.equal(slots.beatAtMs(ref, 5_000), 2_000, 'a later time stays')
  slots.requestStop(ref)
  t.equal(slots.beat(ref, 3_000), 'stop')
  t.equal(slots.expire(ref, 8_000, 5_000), false, 'as old as allowed')
  t.equal(slots.expire(ref, 8_001, 5_000), true)
  t.equal(slots.expire(ref, 8_001, 5_000), true, 'again')
  t.equal(slots.beat(ref, 8_002), 'lost')
  t.notOk(slots.isLive(ref))
})

t.test('a slot that was closed belongs to the next lease alone', async t => {
  const slots = createLeaseSlots(new SharedArrayBuffer(2 * 48))
  const [first, second] = [slots.open(0)!, slots.open(0)!]
  t.equal(slots.open(0), undefined)
  slots.requestStop(first)
  slots.lockParts(first, 7)
  slots.noteArtifacts(first)
  t.ok(slots.hasArtifacts(first))
  slots.close(first)
  slots.close(first)
  const third = slots.open(100)!
  t.equal(slots.open(0), undefined)
  t.equal(third.index, first.index)
  t.equal(slots.beat(first, 500), 'lost')
  t.equal(slots.beatAtMs(third, 600), 100)
  t.equal(slots.beat(third, 600), 'renewed')
  t.ok(slots.lockParts(third, 8))
  t.notOk(slots.lockParts(first, 8))
  t.notOk(slots.noteLog(first, 5))
  slots.noteArtifacts(first)
  t.notOk(slots.hasArtifacts(third))
  t.ok(slots.isLive(second))
})

t.test('times are compared right when the count of milliseconds wraps', async t => {
  const slots = createLeaseSlots()
  const end = 2 ** 32
  for (const openedAtMs of [end - 10, end / 2 - 10, 5 * end - 10]) {
    const ref = slots.open(openedAtMs)!
    t.equal(slots.beat(ref, openedAtMs + 20), 'renewed')
    t.equal(slots.beatAtMs(ref, openedAtMs + 50), openedAtMs + 20)
    t.equal(slots.expire(ref, openedAtMs + 50, 30), false)
    t.equal(slots.expire(ref, openedAtMs + 51, 30), true)
  }
})

t.test('the log is told to followers, and what nobody noted counts as seen', async t => {
  const slots = createLeaseSlots()
  const ref = slots.open(0)!
  t.ok(slots.logIs(ref, 1_234))
  t.notOk(slots.noteLog(ref, 10))
  slots.follow(ref, 1)
  t.notOk(slots.logIs(ref, 9))
  t.ok(slots.logIs(ref, 10))
  t.ok(slots.noteLog(ref, 2 ** 40 + 5))
  t.ok(slots.logIs(ref, 2 ** 40 + 5))
  slots.follow(ref, -1)
  t.notOk(slots.noteLog(ref, 11))
})

t.test('durable lengths of any log are kept, for one lease', async t => {
  const slots = createLeaseSlots()
  const ref = slots.open(0)!
  t.strictSame(slots.durable(ref), { stdout: 0, stderr: 0 })
  slots.noteDurable(ref, { stdout: 2 ** 40, stderr: 2 ** 32 + 1 })
  t.strictSame(slots.durable(ref), { stdout: 2 ** 40, stderr: 2 ** 32 + 1 })
  slots.close(ref)
  t.strictSame(slots.durable(ref), { stdout: 0, stderr: 0 })
  const next = slots.open(0)!
  slots.noteDurable(ref, { stdout: 1, stderr: 1 })
  t.strictSame(slots.durable(next), { stdout: 0, stderr: 0 })
})

t.test('one connection at a time has the parts, and locks of the dead are opened', async t => {
  const slots = createLeaseSlots()
  const [one, two] = [slots.open(0)!, slots.open(0)!]
  t.ok(slots.lockParts(one, 3_000_000_000))
  t.ok(slots.lockParts(one, 3_000_000_000))
  t.notOk(slots.lockParts(one, 4))
  slots.unlockParts(one, 4)
  t.notOk(slots.lockParts(one, 4))
  t.ok(slots.lockParts(two, 4))
  slots.breakLocks(connection => connection === 3_000_000_000)
  t.notOk(slots.lockParts(two, 5))
  t.ok(slots.lockParts(one, 5))
})

t.test('a worker slot keeps what its worker said last', async t => {
  const slots = createWorkerSlots()
  const ref = slots.open(1_000)!
  t.strictSame(slots.read(ref, 1_500), { beatAtMs: 1_000, free: 0, load: 0 })
  t.ok(slots.beat(ref, 2_000, 3, 1.25))
  t.strictSame(slots.read(ref, 2_500), { beatAtMs: 2_000, free: 3, load: 1.25 })
  slots.close(ref)
  t.notOk(slots.beat(ref, 3_000, 1, 1))
  const next = slots.open(4_000)!
  t.strictSame(slots.read(next, 4_000), { beatAtMs: 4_000, free: 0, load: 0 })
})

const CHOICES_MAX = 14

t.test('no interleaving of a beat and the reaper ends a lease whose beat was answered', async t => {
  const seen = new Set<string>()
  let runs = 0
  const explore = (choices: readonly boolean[]): void => {
    const steps = createSteps()
    const slots = createLeaseSlots(new SharedArrayBuffer(48), steps.words as Words)
    const ref = slots.open(0)!
    const beat = steps.start(() => slots.beat(ref, 9_000))
    const reap = steps.start(() => slots.expire(ref, 10_000, 5_000))
    for (const isBeat of choices) {
      const next = isBeat && !beat.done ? beat : reap.done ? beat : reap
      next.step()
    }
    if (!beat.done || !reap.done) {
      // No choice is left where one of them has ended, and where the beat has looked again more than once.
      if (beat.done || reap.done || choices.length > CHOICES_MAX) explore([...choices, reap.done])
      else for (const choice of [true, false]) explore([...choices, choice])
      return
    }
    runs++
    seen.add(`${beat.result} ${reap.result}`)
    if (beat.result === 'renewed' && reap.result) t.fail(`overlooked: ${choices.map(Number).join('')}`)
    if (slots.isLive(ref) === reap.result) t.fail(`state and answer differ: ${choices.map(Number).join('')}`)
  }
  explore([])
  t.ok(runs > 200)
  t.ok(seen.has('renewed false'))
  t.ok(seen.has('lost true'))
})

const ROUNDS = 20_000

t.test('threads that beat and reap at the same time agree', async t => {
  const slots = createLeaseSlots()
  const bell: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(12))
  const bundle = await build({
    ...{ entryPoints: ['lib/server/shared-slots.ts'], bundle: true, write: false, format: 'cjs', platform: 'node' },
    footer: { js: `(${beats.toString()})(module.exports.createLeaseSlots)` },
  })
  const worker = new Worker(bundle.outputFiles[0]!.text, {
    ...{ eval: true, execArgv: [], workerData: { bell, buffer: slots.buffer, rounds: ROUNDS } },
  })
  const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  await new Promise(resolve => worker.once('message', resolve))
  let overlooked = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const ref = slots.open(0)!
    Atomics.store(bell, 1, ref.generation)
    Atomics.store(bell, 0, round)
    // The two go at it from different distances.
    for (let wait = round % 97; wait > 0; wait--) Atomics.load(bell, 2)
    const isOver = slots.expire(ref, 10_000, 5_000)
    while (Math.abs(Atomics.load(bell, 2)) !== round);
    if (isOver && Atomics.load(bell, 2) > 0) overlooked++
    slots.close(ref)
  }
  t.equal(overlooked, 0)
  t.equal(await ended, 0)
})

/** Runs in the other thread: beats once per round, and answers with the round, negative when the beat was lost. */
function beats(create: typeof createLeaseSlots): void {
  const { workerData, parentPort } = process.getBuiltinModule('node:worker_threads')
  if (!parentPort) throw new Error('not a thread')
  const { buffer, rounds } = workerData
  const bell: Int32Array = workerData.bell
  const slots = create(buffer)
  parentPort.postMessage('up')
  for (let round = 1; round <= rounds; round++) {
    while (Atomics.load(bell, 0) !== round);
    const isRenewed = slots.beat({ index: 0, generation: Atomics.load(bell, 1) }, 9_000) === 'renewed'
    Atomics.store(bell, 2, isRenewed ? round : -round)
  }
}
