import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import t from 'tap'
import { encodeFrame, FrameDecoder, type FrameMemory, HEADER_BYTES } from '../../protocol/frame.js'

const TOO_LARGE = { code: 'E_FRAME_TOO_LARGE' }

function drain(decoder: FrameDecoder): string[] {
  const bodies: string[] = []
  for (let body = decoder.next(); body; body = decoder.next()) bodies.push(body.toString())
  return bodies
}

t.test('a frame is its length, four bytes big endian, and its body', async t => {
  t.equal(encodeFrame(Buffer.from('hi')).toString('hex'), '000000026869')
  t.equal(encodeFrame(Buffer.alloc(0)).toString('hex'), '00000000')
  t.equal(encodeFrame(Buffer.alloc(0x10203)).readUInt32BE(0), 0x10203)
})

t.test('a stream gives the same frames wherever it is cut', async t => {
  const stream = Buffer.from('0000000161000000000000000268690000000100', 'hex') // 'a', '', 'hi', NUL
  const expected = ['a', '', 'hi', '\0']
  for (let cut = 0; cut <= stream.length; cut++) {
    const early = new FrameDecoder(16)
    early.push(stream.subarray(0, cut))
    const first = drain(early)
    early.push(stream.subarray(cut))
    t.strictSame([...first, ...drain(early)], expected, `cut at byte ${cut}, read between`)

    const late = new FrameDecoder(16)
    late.push(stream.subarray(0, cut))
    late.push(stream.subarray(cut))
    t.strictSame(drain(late), expected, `cut at byte ${cut}, read at the end`)
  }
})

t.test('any frames in any chunks come out whole, and the held bytes are counted', async t => {
  const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
  const property = fc.property(
    frames,
    fc.array(fc.nat({ max: 30 })),
    fc.array(fc.boolean()),
    (bodies, sizes, reads) => {
      const stream = Buffer.concat(bodies.map(encodeFrame))
      const decoder = new FrameDecoder(40)
      const got: string[] = []
      let [offset, turn] = [0, 0]
      let returnedBytes = 0
      while (offset < stream.length) {
        const chunk = stream.subarray(offset, offset + 1 + (sizes[turn % (sizes.length || 1)] ?? 0))
        decoder.push(Buffer.from(chunk))
        offset += chunk.length
        if (reads[turn++ % (reads.length || 1)]) {
          const body = decoder.next()
          if (body) got.push(body.toString('hex'))
          returnedBytes += body ? HEADER_BYTES + body.length : 0
        }
        if (decoder.heldBytes !== offset - returnedBytes) throw new Error(`${decoder.heldBytes} bytes held`)
      }
      for (let body = decoder.next(); body; body = decoder.next()) got.push(body.toString('hex'))
      const expected = bodies.map(body => Buffer.from(body).toString('hex'))
      return decoder.heldBytes === 0 && JSON.stringify(got) === JSON.stringify(expected)
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300, seed: 5265 }))
})

t.test('a chunk may be used again once next has returned undefined, and a body is never written to', async t => {
  const decoder = new FrameDecoder(16)
  const chunk = Buffer.from('00000002686900000003', 'hex')
  decoder.push(chunk)
  const body = decoder.next()
  t.equal(decoder.next(), undefined)
  chunk.fill(0xff)
  decoder.push(Buffer.from('6162', 'hex'))
  decoder.push(Buffer.from('63', 'hex'))
  t.equal(decoder.next()?.toString(), 'abc')
  t.equal(body?.toString(), 'hi')
})

t.test('a chunk may be used again after keep, although frames wait in it', async t => {
  for (const pushes of [['00000002686900000001'], ['00000002', '686900000001'], ['0000', '0002686900000001']]) {
    const decoder = new FrameDecoder(16)
    for (const hex of pushes) {
      const chunk = Buffer.from(hex, 'hex')
      decoder.push(chunk)
      decoder.keep()
      chunk.fill(0xff)
    }
    t.equal(decoder.next()?.toString(), 'hi', pushes.join(' '))
    decoder.push(Buffer.from('61', 'hex'))
    t.equal(decoder.next()?.toString(), 'a', pushes.join(' '))
  }
})

t.test('a large body has its memory for itself, and what follows it in a chunk is the next frame', async t => {
  const stream = Buffer.concat([encodeFrame(Buffer.alloc(1000, 'x')), encodeFrame(Buffer.from('hi'))])
  const decoder = new FrameDecoder(1000)
  decoder.push(stream.subarray(0, 300))
  t.equal(decoder.next(), undefined)
  decoder.push(stream.subarray(300))
  const body = decoder.next()
  t.equal(body?.toString(), 'x'.repeat(1000))
  t.equal(body?.buffer.byteLength, HEADER_BYTES + 1000)
  t.equal(decoder.heldBytes, HEADER_BYTES + 2)
  t.equal(decoder.next()?.toString(), 'hi')
})

t.test('the announced length is known with the prefix', async t => {
  const decoder = new FrameDecoder(600)
  for (const byte of [0x00, 0x00, 0x02]) decoder.push(Buffer.from([byte]))
  t.equal(decoder.announcedBytes, undefined)
  decoder.push(Buffer.from([0x01]))
  t.equal(decoder.announcedBytes, 513)
  t.equal(decoder.heldBytes, HEADER_BYTES)
  t.equal(decoder.next(), undefined)
  t.equal(decoder.announcedBytes, 513)
})

t.test('an announcement above the limit is refused with the prefix and nothing of it is kept', async t => {
  for (const [announced, limit] of [
    [17, 16],
    [0xffffffff, 64 * 1024 * 1024],
  ] as const) {
    const prefix = Buffer.alloc(HEADER_BYTES)
    prefix.writeUInt32BE(announced)
    const decoder = new FrameDecoder(limit)
    decoder.push(Buffer.concat([encodeFrame(Buffer.from('a')), prefix]))
    t.equal(decoder.next()?.toString(), 'a', 'the frames before it count')
    t.throws(() => decoder.next(), { ...TOO_LARGE, detail: { bytes: announced, bytesMax: limit } })
    decoder.push(Buffer.alloc(100_000))
    t.equal(decoder.heldBytes, 0)
    t.equal(decoder.announcedBytes, undefined)
    t.throws(() => decoder.next(), TOO_LARGE, 'the stream stays refused')
  }
})

t.test('a frame of exactly the limit is let in, and the limit may be raised between frames', async t => {
  const decoder = new FrameDecoder(2)
  decoder.push(Buffer.concat([encodeFrame(Buffer.from('hi')), encodeFrame(Buffer.from('larger'))]))
  t.equal(decoder.next()?.toString(), 'hi')
  decoder.bodyBytesMax = 6
  t.equal(decoder.next()?.toString(), 'larger')
})

t.test('an announcement alone takes no memory', async t => {
  const before = process.memoryUsage().arrayBuffers
  const decoders = Array.from({ length: 1_000 }, () => {
    const decoder = new FrameDecoder(64 * 1024 * 1024)
    decoder.push(Buffer.from('03ffffff616263', 'hex'))
    decoder.next()
    return decoder
  })
  t.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
  t.equal(
    decoders.reduce((sum, decoder) => sum + decoder.heldBytes, 0),
    7_000,
  )
})

t.test('a large frame in many small chunks is copied a bounded number of times', async t => {
  const body = Buffer.alloc(1024 * 1024, 'x')
  const stream = encodeFrame(body)
  const decoder = new FrameDecoder(body.length)
  let copiedBytes = 0
  const { copy } = Buffer.prototype
  t.intercept(Buffer.prototype, 'copy', {
    value(this: Buffer, ...args: Parameters<typeof copy>) {
      const bytes = copy.apply(this, args)
      copiedBytes += bytes
      return bytes
    },
  })
  for (let offset = 0; offset < stream.length; offset += 256) {
    decoder.push(stream.subarray(offset, offset + 256))
    if (offset + 256 < stream.length && decoder.next()) t.fail('a frame came early')
  }
  t.ok(decoder.next()?.equals(body))
  t.ok(copiedBytes < 4 * body.length, `${copiedBytes} bytes were copied`)
})

/** Memory that is counted. */
function countedMemory(bytesMax: number): FrameMemory & { lentCount: number; readonly taken: Buffer[] } {
  const memory = {
    lentCount: 0,
    taken: [] as Buffer[],
    take(bytes: number) {
      if (bytes > bytesMax) return undefined
      memory.lentCount++
      const lent = Buffer.alloc(bytes)
      memory.taken.push(lent)
      return lent
    },
    giveBack: () => void memory.lentCount--,
  }
  return memory
}

const LARGE = 100_000
const largeFrame = (fill: string): Buffer => encodeFrame(Buffer.alloc(LARGE, fill))

t.test('the rest of a large frame is read to where it stays', async t => {
  const decoder = new FrameDecoder(LARGE)
  const frame = largeFrame('x')
  t.equal(decoder.room, undefined)
  decoder.push(frame.subarray(0, 100))
  t.equal(decoder.next(), undefined)
  t.equal(decoder.room, undefined, 'so little of it is there that it has no memory yet')
  decoder.push(frame.subarray(100, 50_000))
  for (let offset = 50_000; offset < 80_000; offset += 15_000) {
    const { room } = decoder
    t.equal(room?.length, frame.length - offset)
    frame.copy(room!, 0, offset, offset + 15_000)
    decoder.push(room!.subarray(0, 15_000))
  }
  t.ok(decoder.room)
  decoder.push(Buffer.concat([frame.subarray(80_000), encodeFrame(Buffer.from('next'))]))
  t.equal(decoder.room, undefined, 'it is whole')
  t.ok(decoder.next()?.equals(frame.subarray(HEADER_BYTES)))
  t.equal(decoder.next()?.toString(), 'next')
})

t.test('a large frame may lie in memory that is lent, and goes with its body', async t => {
  const memory = countedMemory(LARGE + HEADER_BYTES)
  const decoder = new FrameDecoder(2 * LARGE, memory)
  decoder.push(largeFrame('x').subarray(0, 90_000))
  t.equal(decoder.next(), undefined)
  decoder.push(Buffer.concat([largeFrame('x').subarray(90_000), largeFrame('y').subarray(0, 70_000)]))
  const body = decoder.next()
  t.ok(body?.buffer === memory.taken[0]?.buffer && body?.equals(Buffer.alloc(LARGE, 'x')))
  t.equal(decoder.next(), undefined)
  decoder.push(largeFrame('y').subarray(70_000))
  t.ok(decoder.next()?.buffer === memory.taken[1]?.buffer)
  t.equal(memory.lentCount, 2, 'both are their holders to give back')
  decoder.push(encodeFrame(Buffer.alloc(2 * LARGE)).subarray(0, 150_000))
  t.equal(decoder.next(), undefined)
  t.ok(decoder.room, 'what is not lent is memory of its own')
  t.equal(memory.lentCount, 2)
})

t.test('memory that was lent to a frame which does not come, or lies elsewhere, is given back', async t => {
  const memory = countedMemory(LARGE + HEADER_BYTES)
  const dropped = new FrameDecoder(LARGE, memory)
  dropped.push(largeFrame('x').subarray(0, 90_000))
  t.equal(dropped.next(), undefined)
  t.equal(memory.lentCount, 1)
  dropped.drop()
  dropped.drop()
  t.equal(memory.lentCount, 0)
  t.equal(dropped.heldBytes, 0)

  const kept = new FrameDecoder(LARGE, memory)
  kept.push(largeFrame('x').subarray(0, 90_000))
  t.equal(kept.next(), undefined)
  kept.push(Buffer.concat([largeFrame('x').subarray(90_000), Buffer.from('more')]))
  kept.keep()
  t.equal(memory.lentCount, 0, 'frame and rest are together elsewhere')
  t.ok(kept.next()?.equals(Buffer.alloc(LARGE, 'x')))
})
