import t from 'tap'
import { createReplySlabs } from '../../../lib/server/connection/reply-slabs.js'

const LARGE = 256 * 1024
const large = (fill: string): Buffer => Buffer.alloc(LARGE, fill)
const isShared = ({ buffer }: Uint8Array): boolean => buffer instanceof SharedArrayBuffer

t.test('a slab is used again when its reply has left, and not before', async t => {
  const slabs = createReplySlabs()
  const lent = ['a', 'b', 'c', 'd'].map(fill => slabs.lend(1, large(fill)))
  t.ok(lent.every(isShared))
  t.equal(isShared(slabs.lend(2, large('e'))), false, 'there are four, and none is free')
  slabs.left(1, LARGE - 1)
  t.equal(isShared(slabs.lend(2, large('e'))), false, 'the first has not left as a whole')
  slabs.left(1, 1)
  const again = slabs.lend(2, large('e'))
  t.equal(again.buffer, lent[0]?.buffer)
  t.same(
    lent.slice(1).map(view => Buffer.from(view).toString('latin1', 0, 1)),
    ['b', 'c', 'd'],
  )
  t.equal(Buffer.from(again).toString(), 'e'.repeat(LARGE))
})

t.test('small replies and what fits no slab stay where they are, and count', async t => {
  const slabs = createReplySlabs()
  for (const body of [Buffer.alloc(100), Buffer.alloc(1024 * 1024)]) t.equal(slabs.lend(1, body), body)
  const { buffer } = slabs.lend(1, large('a'))
  for (const fill of ['b', 'c', 'd']) slabs.lend(2, large(fill))
  slabs.left(1, 100 + 1024 * 1024)
  t.equal(isShared(slabs.lend(3, large('e'))), false, 'what went before it has left, it has not')
  slabs.left(1, LARGE)
  t.equal(slabs.lend(3, large('e')).buffer, buffer)
})

t.test('the slabs of a connection that is gone are free', async t => {
  const slabs = createReplySlabs()
  const lent = ['a', 'b', 'c', 'd'].map(fill => slabs.lend(1, large(fill)).buffer)
  slabs.closed(1)
  slabs.left(1, LARGE)
  t.ok(lent.includes(slabs.lend(2, large('e')).buffer))
})
