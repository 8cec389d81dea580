import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'

const DAY_MS = 86_400_000

class Armed {
  isBackground = false
  isCleared = false
  readonly fire: () => void
  readonly delayMs: number
  constructor(fire: () => void, delayMs: number) {
    this.fire = fire
    this.delayMs = delayMs
  }
  unref(): void {
    this.isBackground = true
  }
}

/** What is asked of setTimeout, oldest first; nothing fires by itself. */
function catchTimers(t: Test): readonly Armed[] {
  const armed: Armed[] = []
  const setTimeout = (callback: () => void, delayMs: number): Armed => {
    const timer = new Armed(callback, delayMs)
    armed.push(timer)
    return timer
  }
  const clearTimeout = (timer: Armed): void => {
    timer.isCleared = true
  }
  t.intercept(globalThis, 'setTimeout', { value: setTimeout })
  t.intercept(globalThis, 'clearTimeout', { value: clearTimeout })
  return armed
}

t.test('what takes longer than setTimeout can wait is waited for in steps', async t => {
  const armed = catchTimers(t)
  let calls = 0
  systemClock.after(30 * DAY_MS, () => calls++)
  armed[0]?.fire()
  t.equal(calls, 0)
  armed[1]?.fire()
  t.equal(calls, 1)
  const delaysMs = armed.map(({ delayMs }) => delayMs)
  t.strictSame(delaysMs, [2 ** 31 - 1, 30 * DAY_MS - (2 ** 31 - 1)])
})

t.test('what setTimeout can just wait for is one step', async t => {
  const armed = catchTimers(t)
  let calls = 0
  systemClock.after(2 ** 31 - 1, () => calls++)
  armed[0]?.fire()
  t.equal(calls, 1)
  t.equal(armed.length, 1)
})

t.test('a later step is cancelled as the first one is, and keeps no process alive in the background', async t => {
  const armed = catchTimers(t)
  const timer = systemClock.after(30 * DAY_MS, () => {}, { background: true })
  armed[0]?.fire()
  timer.cancel()
  t.match(armed, [{ isBackground: true }, { isBackground: true, isCleared: true }])
})
