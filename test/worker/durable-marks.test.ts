import fc from 'fast-check'
import t from 'tap'
import { DurableMarks } from '../../lib/worker/durable-marks.js'

const MIB = 1024 * 1024

t.test('what is durable may be freed, in steps, and never more than that', async t => {
  const marks = new DurableMarks(8 * MIB)
  for (let mib = 1; mib <= 40; mib++) marks.passed({ bytes: mib * MIB, crc32: mib })
  t.equal(marks.take(), undefined, 'nothing is durable')
  marks.durable(7.9 * MIB)
  t.equal(marks.take(), undefined, 'it is not worth it')
  marks.durable(16.5 * MIB)
  t.strictSame(marks.take(), { bytes: 16 * MIB, crc32: 16 })
  t.equal(marks.take(), undefined, 'it is freed')
  marks.durable(16 * MIB)
  marks.durable(24 * MIB)
  t.strictSame(marks.take(), { bytes: 24 * MIB, crc32: 24 })
  t.equal(marks.freedBytes, 24 * MIB)
})

t.test('a later process goes on where the one before has freed', async t => {
  const marks = new DurableMarks(8 * MIB, 32 * MIB)
  marks.passed({ bytes: 39 * MIB, crc32: 1 })
  marks.durable(39 * MIB)
  t.equal(marks.take(), undefined)
  marks.passed({ bytes: 41 * MIB, crc32: 2 })
  marks.durable(41 * MIB)
  t.strictSame(marks.take(), { bytes: 41 * MIB, crc32: 2 })
})

t.test('marks only grow and are durable, in whatever steps a log is read and synced', async () => {
  const steps = fc.array(fc.record({ read: fc.nat(3 * MIB), durable: fc.nat(60 * MIB) }), { maxLength: 60 })
  fc.assert(
    fc.property(steps, steps => {
      const marks = new DurableMarks(8 * MIB)
      let bytes = 0
      let durable = 0
      let freed = 0
      for (const step of steps) {
        bytes += step.read
        marks.passed({ bytes, crc32: bytes % 97 })
        marks.durable(Math.min(step.durable, bytes))
        durable = Math.max(durable, Math.min(step.durable, bytes))
        const mark = marks.take()
        if (!mark) continue
        if (mark.bytes > durable || mark.bytes - freed < 8 * MIB || mark.crc32 !== mark.bytes % 97) return false
        freed = mark.bytes
      }
      return durable - freed < 8 * MIB + 4 * MIB
    }),
  )
})
