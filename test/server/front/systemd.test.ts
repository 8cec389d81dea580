import t from 'tap'
import { silentLog } from '../../../lib/base/log.js'
import { stayWatched, type Vitals, watchdogMs } from '../../../lib/server/front/systemd.js'
import { FakeClock, settle } from '../../helpers/clock.js'

const PID = 4711
const MINUTE_USEC = String(60_000_000)

function watched(environment: NodeJS.ProcessEnv) {
  const clock = new FakeClock()
  const told: (readonly string[])[] = []
  const answers: ((vitals: Vitals) => void)[] = []
  const { stop } = stayWatched({
    ...{ environment, pid: PID, clock, log: silentLog },
    tell: async (...variables) => void told.push(variables),
    look: () => new Promise(resolve => answers.push(resolve)),
  })
  const answer = async (): Promise<void> => {
    answers.shift()?.({ connections: 3, pending: 2, running: 1 })
    await settle()
  }
  return { clock, told, answers, answer, stop }
}
const STATUS = 'STATUS=3 connections; 1 jobs running, 2 waiting'

t.test('the watchdog is fed only while every thread answers', async t => {
  const { clock, told, answers, answer, stop } = watched({ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: MINUTE_USEC })
  t.strictSame(told, [], 'nothing before the first answer')
  await answer()
  t.strictSame(told, [[STATUS, 'WATCHDOG=1']])
  await clock.advance(20_000)
  t.equal(answers.length, 1, 'asked again in a third of the time')
  await clock.advance(600_000)
  t.equal(told.length, 1, 'a thread that hangs keeps the word back')
  await answer()
  t.equal(told.length, 2)
  stop()
  await clock.advance(600_000)
  t.equal(told.length, 2)
  t.equal(clock.pendingCount, 0)
})

t.test('without a watchdog only the status is told', async t => {
  const { told, answer, stop } = watched({ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: MINUTE_USEC, WATCHDOG_PID: '1' })
  await answer()
  t.strictSame(told, [[STATUS]])
  stop()
})

t.test('nothing is asked where nobody listens', async t => {
  const { answers, clock } = watched({ WATCHDOG_USEC: MINUTE_USEC })
  t.equal(answers.length, 0)
  t.equal(clock.pendingCount, 0)
})

t.test('the watchdog of another process is not ours', async t => {
  t.equal(watchdogMs({ WATCHDOG_USEC: MINUTE_USEC, WATCHDOG_PID: String(PID) }, PID), 60_000)
  t.equal(watchdogMs({ WATCHDOG_USEC: MINUTE_USEC }, PID), 60_000)
  t.equal(watchdogMs({ WATCHDOG_USEC: MINUTE_USEC, WATCHDOG_PID: '1' }, PID), undefined)
  t.equal(watchdogMs({}, PID), undefined)
})
