import t from 'tap'
import { createRandomHex } from '../../lib/base/random-hex.js'

t.test('no digits are given twice, however many are asked for at once', async t => {
  const random = createRandomHex()
  const given = Array.from({ length: 1_000 }, (_, index) => random(8 + (index % 17)))
  for (const [index, hex] of given.entries()) t.match(hex, new RegExp(`^[0-9a-f]{${2 * (8 + (index % 17))}}$`))
  t.equal(new Set(given.map(hex => hex.slice(0, 16))).size, given.length)
  t.equal(random(4_096).length, 8_192, 'all that one call of the system gives')
})
