import fc from 'fast-check'
import t from 'tap'
import { type AddressedFrame, packFrames, unpackFrames } from '../../../lib/server/front/packing.js'

t.test('what is packed comes out the same, in order', async t => {
  const frame = fc.record({
    connection: fc.integer({ min: 1, max: 0xffff_ffff }),
    body: fc.uint8Array({ maxLength: 50 }),
  })
  const shown = (frames: readonly AddressedFrame[]) =>
    frames.map(({ connection, body }) => `${connection} ${Buffer.from(body).toString('hex')}`)
  fc.assert(
    fc.property(fc.array(frame), frames => {
      t.strictSame(shown([...unpackFrames(packFrames(frames))]), shown(frames))
    }),
    { numRuns: 50 },
  )
  t.equal(packFrames([]), null)
})
