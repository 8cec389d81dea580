import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import t from 'tap'
import { encodedBytesMax, fitPage } from '../../../lib/server/connection/pages.js'
import { LIMITS } from '../../../protocol/limits.js'

t.test('a page holds as many rows as fit into a reply, and at least one', async t => {
  const row = { text: 'ä'.repeat(50_000) }
  const rows = Array.from({ length: 30 }, () => row)
  const page = fitPage(rows)
  t.ok(page.length < rows.length)
  t.ok(encode(page).length <= LIMITS.replyBytesMax.value)
  t.ok(encode([...page, row, row]).length > LIMITS.replyBytesMax.value, 'no fewer than need be')
  t.equal(fitPage([{ text: 'x'.repeat(2 * LIMITS.replyBytesMax.value) }, row]).length, 1)
  t.equal(fitPage([1, 2, 3]).length, 3)
  t.strictSame(fitPage([]), [])
})

t.test('the estimate of a value is never below what it takes', async t => {
  const { any } = fc.letrec(tie => ({
    any: fc.oneof(
      { depthSize: 'small' },
      ...[fc.integer(), fc.double(), fc.string({ unit: 'grapheme' }), fc.boolean(), fc.constant(null)],
      ...[fc.uint8Array(), fc.array(tie('any')), fc.dictionary(fc.string({ minLength: 1 }), tie('any'))],
    ),
  }))
  const isEnough = fc.property(any, value => encodedBytesMax(value) >= encode(value).length)
  t.doesNotThrow(() => fc.assert(isEnough))
})
