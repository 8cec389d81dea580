import fc from 'fast-check'
import t from 'tap'
import { type AddressedFrame, ALONE_BYTES_MIN, packFrames, unpackFrames } from '../../../lib/server/front/packing.js'

t.test('what is packed comes out the same, in order', async t => {
  const frame = fc.record({
    connection: fc.integer({ min: 1, max: 0xffff_ffff }),
    body: fc.uint8Array({ maxLength: 50 }),
  })
  const shown = (frames: readonly AddressedFrame[]) =>
    frames.map(({ connection, body }) => `${connection} ${Buffer.from(body).toString('hex')}`)
  fc.assert(
    fc.property(fc.array(frame), frames => {
      t.strictSame(shown([...unpackFrames(packFrames(frames).frames)]), shown(frames))
    }),
    { numRuns: 50 },
  )
  t.strictSame(packFrames([]), { frames: [], transfer: [] })
})

t.test(
  'a large frame travels in the memory that it is in, between small ones, unless others are in there too',
  async t => {
    const alone = Buffer.from(new ArrayBuffer(ALONE_BYTES_MIN + 4), 4).fill('a')
    const shared = Buffer.from(new ArrayBuffer(2 * ALONE_BYTES_MIN), 0, ALONE_BYTES_MIN).fill('s')
    const sent = [Buffer.from('1'), Buffer.from('2'), alone, Buffer.from('3'), shared]
    const { frames, transfer } = packFrames(sent.map(body => ({ connection: 7, body })))
    t.same(
      [...unpackFrames(frames)].map(({ body }) => body),
      sent,
    )
    t.equal(transfer.length, 3)
    t.equal(transfer[1], alone.buffer)
    t.notOk(transfer.includes(shared.buffer as ArrayBuffer))
  },
)
