import t from 'tap'
import { LIMITS } from '../../../protocol/limits.js'
import { claimId, startWorld } from './world.js'

const refused = (code: string): { code: string } => ({ code })

t.test('one connection parks only so many claims, and what it gives up makes room', async t => {
  const w = await startWorld(t)
  await w.attach(1, 'w')
  const max = LIMITS.claimsPerConnectionMax.value
  for (let n = 0; n < max; n++) void w.writer.claim(1, claimId(n), 60_000)
  await t.rejects(w.writer.claim(1, claimId(max), 60_000), refused('E_TOO_MANY'))
  await w.writer.cancelClaim(1, claimId(0))
  const parked = w.writer.claim(1, claimId(max), 60_000)
  await w.addAction('a')
  await w.queue('a', { count: max })
  t.ok(await parked)
  await w.attach(2, 'other')
  t.equal(await w.claim(2), undefined, 'another connection has its own room')
})

t.test('one user parks only so many claims, and another one is served', async t => {
  const w = await startWorld(t)
  const each = LIMITS.claimsPerConnectionMax.value
  const connections = Math.ceil(LIMITS.claimsPerUserMax.value / each)
  let parked = 0
  for (let connection = 1; connection <= connections; connection++) {
    await w.attach(connection, `w${connection}`)
    for (let n = 0; n < each && parked < LIMITS.claimsPerUserMax.value; n++, parked++)
      void w.writer.claim(connection, claimId(parked), 60_000)
  }
  const last = connections + 1
  await w.attach(last, 'last')
  await t.rejects(w.claim(last, 60_000), refused('E_TOO_MANY'))
  await w.attach(last, 'of-another', { user: 'ann' })
  const claim = w.claim(last, 60_000)
  await w.writer.connectionClosed(last)
  t.equal(await claim, undefined)
  await w.writer.connectionClosed(1)
  await w.attach(last, 'last')
  t.equal(await w.claim(last), undefined, 'there is room when one of them has gone')
})
