import t from 'tap'
import { createFrameSlabs, leaveSlab } from '../../../lib/server/front/frame-slabs.js'

const LARGE = 960 * 1024

t.test('a slab is lent again when nobody looks at its frame any more', async t => {
  const slabs = createFrameSlabs()
  const lent = Array.from({ length: 4 }, () => slabs.take(LARGE)!)
  t.ok(lent.every(({ buffer, length }) => buffer instanceof SharedArrayBuffer && length === LARGE))
  t.equal(new Set(lent.map(({ buffer }) => buffer)).size, 4)
  t.equal(slabs.take(LARGE), undefined, 'there are four, and none is free')
  leaveSlab(lent[1]!.subarray(4))
  t.ok(slabs.take(LARGE)?.buffer === lent[1]?.buffer)
  slabs.giveBack(lent[2]!)
  t.ok(slabs.take(LARGE)?.buffer === lent[2]?.buffer)
})

t.test('small frames, and those larger than any chunk, have memory of their own', async t => {
  const slabs = createFrameSlabs()
  for (const bytes of [1, 64 * 1024, 1024 * 1024 + 1]) t.equal(slabs.take(bytes), undefined)
  leaveSlab(Buffer.alloc(10))
  t.ok(slabs.take(1024 * 1024))
})
