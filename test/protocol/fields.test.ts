import t from 'tap'
import * as f from '../../protocol/fields.js'
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
