import t from 'tap'
import { keptFrame } from '../../../lib/server/connection/kept-frame.js'
import { createFrameSlabs } from '../../../lib/server/front/frame-slabs.js'
import { encodeRequest } from '../../../protocol/message.js'

const data = Buffer.alloc(100_000, 'x')

t.test('a chunk of a log stays where it arrived, any other request is copied out', async t => {
  const slabs = createFrameSlabs()
  const arrived = (method: string): Buffer => {
    const body = encodeRequest(1, method, { data })
    const lent = slabs.take(body.length)!
    lent.set(body)
    return lent
  }
  const chunk = arrived('job.append')
  t.ok(keptFrame(chunk) === chunk)
  const other = arrived('job.finish')
  const kept = keptFrame(other)
  t.ok(kept.equals(other) && !(kept.buffer instanceof SharedArrayBuffer))
  const next = slabs.take(100_000)
  t.ok(next?.buffer === other.buffer, 'its slab is free')
  const own = Buffer.from(encodeRequest(1, 'job.finish', { data }))
  t.ok(keptFrame(own) === own)
})
