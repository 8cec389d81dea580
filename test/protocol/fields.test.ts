import t from 'tap'
import * as f from '../../protocol/fields.js'
import type { InviteToken } from '../../protocol/ids.js'
import { tokenHash } from '../../protocol/invite-token.js'
import { check, obj } from '../../protocol/schema.js'

t.test('a request key has 8 to 64 bytes', async t => {
  const schema = obj({ key: f.requestKey })
  for (const key of ['x'.repeat(8), 'é'.repeat(32)]) t.strictSame(check(schema, { key }), { key })
  for (const key of ['x'.repeat(7), 'é'.repeat(33)])
    t.throws(() => check(schema, { key }), { code: 'E_BAD_REQUEST', detail: { field: 'key' } })
})

t.test('a variable of the environment has a name that every shell takes', async t => {
  const schema = obj({ pair: f.environmentPair })
  for (const name of ['A', '_', 'aB_9']) t.strictSame(check(schema, { pair: [name, ''] }), { pair: [name, ''] })
  for (const name of ['', '9A', 'A-B', 'A=B', 'Ä', 'A\n'])
    t.throws(() => check(schema, { pair: [name, ''] }), { code: 'E_BAD_REQUEST', detail: { field: 'pair[0]' } }, name)
})

t.test('of a usage only what is known remains', async t => {
  const whole = { cpuUserMs: 0, cpuSystemMs: 1, memoryPeakBytes: 2 }
  t.strictSame(f.usageOf({ ...whole, other: 3 } as f.Usage), whole)
  t.strictSame(f.usageOf({}), {})
})

t.test('an action allows accounts by name, and the roles that queue jobs', async t => {
  const schema = obj({ allowed: f.allowed })
  for (const allowed of ['user:ada', 'role:user', 'role:admin']) t.strictSame(check(schema, { allowed }), { allowed })
  for (const allowed of ['ada', 'user:', 'user:a b', 'role:worker', ''])
    t.throws(() => check(schema, { allowed }), { code: 'E_BAD_REQUEST', detail: { field: 'allowed' } }, allowed)
})

t.test('of a token the daemon is told the hash of its bytes', async t => {
  t.equal(tokenHash('00'.repeat(16) as InviteToken), '374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb')
})
