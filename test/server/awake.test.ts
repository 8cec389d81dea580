import t from 'tap'
import { createAwake } from '../../lib/server/awake.js'

/** A fraction that adds up without rounding. */
const WAIT_MS = 0.125

/** A thread at the end of a port, on a clock that the test moves; `turnMs` of it pass in each turn. */
function thread({ processors = 2, isAwaited = (): boolean => true } = {}) {
  let nowMs = 1_000
  let next: (() => void) | undefined
  const awake = createAwake(isAwaited, {
    clock: { monotonicMs: () => nowMs },
    turn(callback) {
      next = callback
    },
    processors,
  })
  return {
    pass(ms: number) {
      nowMs += ms
    },
    /** A call that comes so long after the answer before, and its answer. */
    serve(pauseMs: number) {
      nowMs += pauseMs
      awake.called()
      awake.answered()
      awake.waits()
    },
    isTurning: () => next !== undefined,
    /** @returns how many turns it took until the thread may sleep */
    turns(turnMs: number): number {
      let count = 0
      for (let callback = next; callback; callback = next) {
        next = undefined
        nowMs += turnMs
        callback()
        count++
      }
      return count
    },
  }
}

/** As many calls as make a stream. */
function stream(of: ReturnType<typeof thread>): void {
  for (let call = 0; call < 12; call++) {
    of.turns(WAIT_MS)
    of.serve(WAIT_MS)
  }
}

t.test(
  'calls now and then let the thread sleep, calls that follow their answers keep it awake for a moment',
  async t => {
    const some = thread()
    for (let call = 0; call < 100; call++) some.serve(5)
    t.notOk(some.isTurning())
    stream(some)
    t.ok(some.isTurning())
    t.equal(some.turns(WAIT_MS), 4, 'for 0.4 ms')
    some.pass(60_000)
    t.notOk(some.isTurning(), 'nothing turns while nobody asks')
  },
)

t.test('a burst of a few calls is no stream, and one late call does not end one', async t => {
  const some = thread()
  for (let job = 0; job < 100; job++) for (const pauseMs of [5, 0.3, 0.3, 0.3]) some.serve(pauseMs)
  t.notOk(some.isTurning())
  stream(some)
  some.turns(WAIT_MS)
  stream(some)
  some.turns(WAIT_MS)
  some.serve(5)
  t.ok(some.isTurning())
  some.turns(WAIT_MS)
  some.serve(5)
  t.notOk(some.isTurning(), 'two do')
})

t.test('a thread sleeps when nothing is awaited any more', async t => {
  let isAwaited: boolean = true
  const some = thread({ isAwaited: () => isAwaited })
  stream(some)
  isAwaited = false
  t.equal(some.turns(WAIT_MS), 1)
})

t.test('who wants the processor gets it, and for longer when they want it again', async t => {
  const some = thread()
  const restMs = (): number => {
    stream(some)
    t.ok(some.isTurning())
    t.equal(some.turns(4), 1, 'somebody else ran for 4 ms')
    let ms = 0
    for (; !some.isTurning() && ms < 20_000; ms += WAIT_MS) some.serve(WAIT_MS)
    some.turns(0.01)
    return Math.round(ms)
  }
  t.strictSame([restMs(), restMs(), restMs()], [50, 100, 200])
  for (let again = 0; again < 6; again++) restMs()
  t.equal(restMs(), 5_000, 'at most')
  for (let ms = 0; ms < 300; ms += WAIT_MS) {
    some.serve(WAIT_MS)
    some.turns(0.01)
  }
  t.equal(restMs(), 50, 'nobody wanted it meanwhile')
})

t.test('on a single processor a thread always sleeps: whom it waits for needs it', async t => {
  const some = thread({ processors: 1 })
  stream(some)
  t.notOk(some.isTurning())
})
