import t from 'tap'
import { createReplySlabs } from '../../../lib/server/connection/reply-slabs.js'

const LARGE = 960 * 1024
const FILLS = ['a', 'b', 'c']
const large = (fill: string): Buffer => Buffer.alloc(LARGE, fill)
const isShared = ({ buffer }: Uint8Array): boolean => buffer instanceof SharedArrayBuffer
const firstOf = (body: Uint8Array | undefined): string => String.fromCharCode(body?.[0] ?? 0)

t.test('a slab is used again when its reply has left, and not before', async t => {
  const slabs = createReplySlabs()
  const lent = FILLS.map(fill => slabs.lend(1, large(fill)))
  t.ok(lent.every(isShared))
  t.notOk(isShared(slabs.lend(2, large('e'))), 'there are three, and none is free')
  slabs.left(1, LARGE - 1)
  t.notOk(isShared(slabs.lend(2, large('e'))), 'the first has not left as a whole')
  slabs.left(1, 1)
  const again = slabs.lend(2, large('e'))
  t.ok(again.buffer === lent[0]?.buffer)
  t.same(lent.slice(1).map(firstOf), ['b', 'c'])
  t.ok(Buffer.from(again).equals(large('e')))
})

t.test('small replies and what fits no slab stay where they are, and count', async t => {
  const slabs = createReplySlabs()
  for (const body of [Buffer.alloc(100), Buffer.alloc(2 * LARGE)]) t.ok(slabs.lend(1, body) === body)
  const { buffer } = slabs.lend(1, large('a'))
  for (const fill of ['b', 'c']) slabs.lend(2, large(fill))
  slabs.left(1, 100 + 2 * LARGE)
  t.notOk(isShared(slabs.lend(3, large('e'))), 'what went before it has left, it has not')
  slabs.left(1, LARGE)
  t.ok(slabs.lend(3, large('e')).buffer === buffer)
})

t.test('the slabs of a connection that is gone are free', async t => {
  const slabs = createReplySlabs()
  const lent = FILLS.map(fill => slabs.lend(1, large(fill)).buffer)
  slabs.closed(1)
  slabs.left(1, LARGE)
  t.ok(lent.includes(slabs.lend(2, large('e')).buffer))
})

t.test('a reply that lies in the slab that was taken for it is not copied', async t => {
  const slabs = createReplySlabs()
  const taken = slabs.take(LARGE)!
  t.equal(taken.length, LARGE)
  t.ok(taken.byteOffset > 0, 'room for its head')
  const body = new Uint8Array(taken.buffer, taken.byteOffset - 10, LARGE + 10)
  t.ok(slabs.lend(1, body) === body)
  slabs.giveBack(taken)
  const others = [slabs.take(LARGE), slabs.take(LARGE), slabs.take(LARGE)]
  t.ok(others[1] && !others[2], 'it is still to be sent, whoever took it is done')
  slabs.left(1, LARGE + 10)
  t.ok(slabs.take(LARGE)?.buffer === taken.buffer)
})

t.test('a slab in which no reply was sent is free when it is given back, once', async t => {
  const slabs = createReplySlabs()
  const taken = FILLS.map(() => slabs.take(LARGE)!)
  t.equal(slabs.take(LARGE), undefined)
  slabs.lend(1, Buffer.alloc(10))
  slabs.giveBack(taken[0]!)
  slabs.giveBack(taken[0]!)
  t.ok(slabs.take(LARGE))
  t.equal(slabs.take(LARGE), undefined)
  t.equal(slabs.take(100), undefined, 'so few bytes need none')
})
