import t from 'tap'
import { createLoginCounters, sharedLogins } from '../../lib/server/logins.js'
import { JankinsError } from '../../protocol/errors.js'
import { LIMITS } from '../../protocol/limits.js'

const FREE = LIMITS.loginsFreeMax.value
const HERE = '10.0.0.1:50000'
const ELSEWHERE = '10.0.0.2:50000'
const START_MS = 1_000

/** An attempt at `nowMs`. @returns 0 when it may be made, else how long to wait, ms */
function attempts() {
  const logins = sharedLogins(createLoginCounters(), Buffer.alloc(32, 7))
  const begin = (user: string, address: string, nowMs: number, isRight: boolean): number => {
    try {
      const attempt = logins.begin(user, address, nowMs)
      if (isRight) attempt.succeeded()
      else attempt.failed()
      return 0
    } catch (error) {
      if (!(error instanceof JankinsError) || error.code !== 'E_THROTTLED') throw error
      return Number(error.detail.waitMs)
    }
  }
  return {
    wrong: (user: string, address: string, nowMs: number) => begin(user, address, nowMs, false),
    right: (user: string, address: string, nowMs: number) => begin(user, address, nowMs, true),
  }
}

t.test('a few wrong passwords cost nothing, then each further one costs twice as long', async t => {
  const { wrong } = attempts()
  for (let failure = 0; failure < FREE; failure++) t.equal(wrong('ada', HERE, START_MS), 0)
  let nowMs = START_MS
  const waits: number[] = []
  for (let failure = 0; failure < 10; failure++) {
    const waitMs = wrong('ada', HERE, nowMs)
    waits.push(waitMs)
    t.equal(wrong('ada', HERE, nowMs + waitMs - 1), 1, 'not a moment too early, and asking does not make it longer')
    nowMs += waitMs
    t.equal(wrong('ada', HERE, nowMs), 0)
  }
  t.strictSame(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
})

t.test('the right password from another address gets in at once, whatever strangers do', async t => {
  const { wrong, right } = attempts()
  for (let failure = 0; failure < 1_000; failure++) wrong('ada', HERE, START_MS)
  t.ok(right('ada', HERE, START_MS) > 0)
  t.equal(right('ada', ELSEWHERE, START_MS), 0)
  t.equal(right('bob', HERE, START_MS), 0, 'and so does another user of that address')
})

t.test('a login that succeeds forgets the failures before it', async t => {
  const { wrong, right } = attempts()
  for (let failure = 0; failure < FREE - 1; failure++) wrong('ada', HERE, START_MS)
  t.equal(right('ada', HERE, START_MS), 0)
  for (let failure = 0; failure < FREE; failure++) t.equal(wrong('ada', HERE, START_MS), 0)
  t.ok(wrong('ada', HERE, START_MS) > 0)
})

t.test('failures are forgotten with time', async t => {
  const { wrong } = attempts()
  for (let failure = 0; failure < FREE; failure++) wrong('ada', HERE, START_MS)
  const laterMs = START_MS + 3 * LIMITS.loginForgetMs.value
  for (let failure = 0; failure < 3; failure++) t.equal(wrong('ada', HERE, laterMs), 0)
  t.ok(wrong('ada', HERE, laterMs) > 0)
})

t.test('who tries many users from one address is held back too, whoever got in before is not', async t => {
  const { wrong, right } = attempts()
  t.equal(right('ada', HERE, START_MS), 0)
  for (let user = 0; user < LIMITS.addressLoginsFreeMax.value; user++) t.equal(wrong(`user-${user}`, HERE, START_MS), 0)
  const waitMs = wrong('one-more', HERE, START_MS)
  t.ok(waitMs > 0 && waitMs <= LIMITS.addressLoginDelayMsMax.value, `${waitMs} ms`)
  t.equal(right('ada', HERE, START_MS), 0, 'known from there')
  t.ok(right('bob', HERE, START_MS) > 0, 'not known from there')
  t.equal(right('bob', ELSEWHERE, START_MS), 0)
  t.equal(right('bob', HERE, START_MS + waitMs), 0)
})

t.test('all addresses of one IPv6 network are one address', async t => {
  const { wrong } = attempts()
  for (let host = 0; host < FREE; host++) wrong('ada', `2001:db8:1:2:${host}::1:4000`, START_MS)
  t.ok(wrong('ada', '2001:db8:1:2::ffff:4000', START_MS) > 0)
  t.equal(wrong('ada', '2001:db8:1:3::ffff:4000', START_MS), 0)
})

t.test('of attempts at the same moment in many threads each counts, and right ones hold nobody back', async t => {
  const counters = createLoginCounters()
  const secret = Buffer.alloc(32)
  const threads = Array.from({ length: 3 * FREE }, () => sharedLogins(counters, secret))
  const right = threads.map(logins => logins.begin('bob', HERE, START_MS + Math.random()))
  for (const attempt of right) attempt.succeeded()
  for (const logins of threads) t.doesNotThrow(() => logins.begin('bob', HERE, START_MS))
  const wrong = threads.map(logins => logins.begin('ada', HERE, START_MS))
  for (const attempt of wrong) attempt.failed()
  const almostMs = START_MS + LIMITS.loginDelayMsMax.value - 1
  for (const logins of threads) t.throws(() => logins.begin('ada', HERE, almostMs), { code: 'E_THROTTLED' })
})
