import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import type { AttemptKey, Blobs } from '../../lib/blobs/blobs.js'
import { createFilePool, type FilePool } from '../../lib/blobs/file-pool.js'
import { createLogFiles } from '../../lib/blobs/log-files.js'
import type { Stream } from '../../protocol/fields.js'
import { keyOf, open } from './samples.js'

const expect = (bytes: Uint8Array): { bytes: number; crc32: number } => ({ bytes: bytes.length, crc32: crc32(bytes) })
const NOTHING = expect(Buffer.alloc(0))

/** The whole log, read in pieces of `bytesMax`, as one letter and one byte for each byte. */
async function readAll(blobs: Blobs, key: AttemptKey, bytesMax: number): Promise<string> {
  let text = ''
  for (let offset = 0; ; ) {
    const { chunks, next } = await blobs.readLog(key, 'all', offset, bytesMax)
    for (const { stream, data } of chunks)
      text += [...data].map(byte => (stream === 'stdout' ? 'o' : 'e') + byte.toString(16)).join('')
    if (next === offset) return text
    offset = next
  }
}

/** What happens to the log of one attempt: bytes at their offset, or moved by so many bytes, or a cut and reopening. */
const step = fc.record({
  instance: fc.integer({ min: 0, max: 1 }),
  stream: fc.constantFrom<Stream>('stdout', 'stderr'),
  back: fc.integer({ min: 0, max: 12 }),
  bytes: fc.uint8Array({ minLength: 0, maxLength: 9 }),
})

t.test('every byte is stored once and in order, however chunks are cut, repeated and overlapped', async t => {
  let job = 0
  const dir = t.testdir()
  const instances = [open(t, dir), open(t, dir)]
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), async (steps, bytesMax) => {
      const key = keyOf(++job)
      const model = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
      let merged = ''
      for (const { instance, stream, back, bytes } of steps) {
        // A sender repeats the last bytes and goes on behind them.
        const offset = Math.max(0, model[stream].length - back)
        const repeated = model[stream].subarray(offset)
        const fresh = Buffer.from(bytes)
        model[stream] = Buffer.concat([model[stream], fresh])
        merged += [...fresh].map(byte => (stream === 'stdout' ? 'o' : 'e') + byte.toString(16)).join('')
        const data = Buffer.concat([repeated, fresh])
        const { length } = await instances[instance]!.append(key, stream, offset, data)
        assert.equal(length, model[stream].length)
      }
      for (const blobs of instances) {
        assert.equal(await readAll(blobs, key, bytesMax), merged, 'both streams in the order of arrival')
        for (const stream of ['stdout', 'stderr'] as const) {
          const { chunks } = await blobs.readLog(key, stream, 0, 1_000)
          assert.deepEqual(Buffer.concat(chunks.map(({ data }) => data)), model[stream])
        }
      }
      await instances[0]!.sealLog(key, { stdout: expect(model.stdout), stderr: expect(model.stderr) })
    }),
    { numRuns: 60 },
  )
})

t.test('bytes that would leave a hole are refused with the stored length', async t => {
  const blobs = open(t, t.testdir())
  await t.rejects(blobs.append(keyOf(1), 'stdout', 1, Buffer.from('a')), { code: 'E_OFFSET', detail: { length: 0 } })
  await blobs.append(keyOf(1), 'stdout', 0, Buffer.from('abc'))
  await t.rejects(blobs.append(keyOf(1), 'stdout', 2 ** 40, Buffer.from('a')), {
    code: 'E_OFFSET',
    detail: { length: 3 },
  })
  t.same(await blobs.lengths(keyOf(1)), { stdout: 3, stderr: 0, artifacts: 0 })
  t.strictSame(await blobs.readLog(keyOf(1), 'all', 2 ** 40, 10), { chunks: [], next: 2 ** 40 })
})

t.test('appends that are under way at once are stored in the order of the calls', async t => {
  const blobs = open(t, t.testdir())
  const chunk = Buffer.alloc(10_000, 'x')
  const calls = Array.from({ length: 50 }, (_, i) =>
    blobs.append(keyOf(1), i % 2 ? 'stdout' : 'stderr', Math.floor(i / 2) * chunk.length, chunk),
  )
  await Promise.all(calls)
  t.match(await blobs.lengths(keyOf(1)), { stdout: 250_000, stderr: 250_000 })
})

t.test('files are for nobody else, in directories that stay small', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  await blobs.append(keyOf(123_456, 2), 'stdout', 0, Buffer.from('a'))
  t.equal(statSync(join(dir, 'logs/123/123456.2.stdout')).mode & 0o777, 0o600)
  for (const directory of ['logs', 'logs/123']) t.equal(statSync(join(dir, directory)).mode & 0o777, 0o700)
})

t.test('a log of one stream has no order file, and one of two notes only where the streams take turns', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  for (let i = 0; i < 10; i++) await blobs.append(keyOf(1), 'stdout', i, Buffer.from('o'))
  t.strictSame(readdirSync(join(dir, 'logs/0')), ['1.stdout'])
  for (let i = 0; i < 10; i++) await blobs.append(keyOf(1), 'stderr', i, Buffer.from('e'))
  t.equal(statSync(join(dir, 'logs/0/1.order')).size, 16)
})

t.test('a long order is searched, not read', async t => {
  const blobs = open(t, t.testdir())
  for (let i = 0; i < 700; i++) {
    await blobs.append(keyOf(1), 'stdout', i, Buffer.from([i % 251]))
    await blobs.append(keyOf(1), 'stderr', i, Buffer.from([i % 241]))
  }
  for (const offset of [0, 1, 511, 512, 1_000, 1_398, 1_399]) {
    const { chunks } = await blobs.readLog(keyOf(1), 'all', offset, 3)
    const turn = Math.floor(offset / 2)
    t.equal(chunks[0]?.stream, offset % 2 ? 'stderr' : 'stdout')
    t.equal(chunks[0]?.data[0], turn % (offset % 2 ? 241 : 251))
  }
  const { chunks, next } = await blobs.readLog(keyOf(1), 'all', 0, 262_144)
  t.equal(chunks.length, 1_024, 'not more chunks than a reply may carry')
  t.equal(next, 1_024)
})

t.test('a torn record at the end of the order file is as if it was never written', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  await blobs.append(keyOf(1), 'stdout', 0, Buffer.from('ab'))
  await blobs.append(keyOf(1), 'stderr', 0, Buffer.from('cd'))
  await blobs.close()
  appendFileSync(join(dir, 'logs/0/1.order'), Buffer.alloc(9, 1))
  const again = open(t, dir)
  t.equal(await readAll(again, keyOf(1), 3), 'o61o62e63e64')
  await again.append(keyOf(1), 'stdout', 2, Buffer.from('e'))
  t.equal(await readAll(again, keyOf(1), 100), 'o61o62e63e64o65')
})

t.test('a log that is cut to what was durable keeps its order and grows again', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  const turns: [Stream, string][] = [
    ['stdout', 'abc'],
    ['stderr', 'de'],
    ['stdout', 'fgh'],
    ['stderr', 'i'],
  ]
  const ends = { stdout: 0, stderr: 0 }
  for (const [stream, text] of turns) {
    await blobs.append(keyOf(1), stream, ends[stream], Buffer.from(text))
    ends[stream] += text.length
  }
  // Where power failed, the tail of the order may be zeros or noise.
  appendFileSync(join(dir, 'logs/0/1.order'), Buffer.concat([Buffer.alloc(16), Buffer.alloc(16, 255)]))
  await blobs.cutLog(keyOf(1), 4, 3)
  t.equal(await readAll(blobs, keyOf(1), 2), 'o61o62o63e64e65o66e69')
  await blobs.append(keyOf(1), 'stdout', 4, Buffer.from('gh'))
  t.equal(await readAll(blobs, keyOf(1), 2), 'o61o62o63e64e65o66e69o67o68')
  await blobs.cutLog(keyOf(1), 100, 0)
  t.equal(await readAll(blobs, keyOf(1), 9), 'o61o62o63o66o67o68')
  await blobs.cutLog(keyOf(1), 0, 0)
  t.strictSame(readdirSync(join(dir, 'logs/0')), [])
  await blobs.cutLog(keyOf(99), 5, 5)
})

t.test('sealing tells missing bytes from wrong ones, and cuts only what is wrong', async t => {
  const blobs = open(t, t.testdir())
  const [out, err] = [Buffer.from('out'), Buffer.from('err')]
  await blobs.append(keyOf(1), 'stdout', 0, out)
  await blobs.append(keyOf(1), 'stderr', 0, Buffer.from('erX'))
  await t.rejects(blobs.sealLog(keyOf(1), { stdout: { bytes: 9, crc32: 1 }, stderr: expect(err) }), {
    code: 'E_OFFSET',
    detail: { part: 'stdout', length: 3 },
  })
  await t.rejects(blobs.sealLog(keyOf(1), { stdout: expect(out), stderr: expect(err) }), {
    code: 'E_CHECKSUM',
    detail: { part: 'stderr' },
  })
  t.match(await blobs.lengths(keyOf(1)), { stdout: 3, stderr: 0 })
  await blobs.append(keyOf(1), 'stderr', 0, err)
  await blobs.sealLog(keyOf(1), { stdout: expect(out), stderr: expect(err) })
  await blobs.sealLog(keyOf(1), { stdout: expect(out), stderr: expect(err) })
  await t.rejects(blobs.sealLog(keyOf(1), { stdout: expect(out.subarray(0, 2)), stderr: expect(err) }), {
    code: 'E_CHECKSUM',
  })
})

t.test('a log without a byte is sealed without a file', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  await blobs.append(keyOf(1), 'stdout', 0, Buffer.alloc(0))
  await blobs.sealLog(keyOf(1), { stdout: NOTHING, stderr: NOTHING })
  t.strictSame(readdirSync(dir), [])
})

t.test('a checksum is right after a restart, and when the writer moved to another thread and back', async t => {
  const dir = t.testdir()
  const [first, second] = [open(t, dir), open(t, dir)]
  await first.append(keyOf(1), 'stdout', 0, Buffer.from('one '))
  await second.append(keyOf(1), 'stdout', 4, Buffer.from('two '))
  await first.append(keyOf(1), 'stdout', 8, Buffer.from('three'))
  await first.sealLog(keyOf(1), { stdout: expect(Buffer.from('one two three')), stderr: NOTHING })
  await second.sealLog(keyOf(1), { stdout: expect(Buffer.from('one two three')), stderr: NOTHING })
  await open(t, dir).sealLog(keyOf(1), { stdout: expect(Buffer.from('one two three')), stderr: NOTHING })
})

t.test('what another thread cut and wrote anew is not sealed by what this one remembers', async t => {
  const dir = t.testdir()
  const [first, second] = [open(t, dir), open(t, dir)]
  await first.append(keyOf(1), 'stdout', 0, Buffer.from('right'))
  await second.cutLog(keyOf(1), 0, 0)
  await second.append(keyOf(1), 'stdout', 0, Buffer.from('wrong'))
  await t.rejects(first.sealLog(keyOf(1), { stdout: expect(Buffer.from('right')), stderr: NOTHING }), {
    code: 'E_CHECKSUM',
  })
})

t.test('bytes that rot on the disk under a running checksum are found after a restart', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  await blobs.append(keyOf(1), 'stdout', 0, Buffer.from('right'))
  await blobs.close()
  writeFileSync(join(dir, 'logs/0/1.stdout'), 'wrong')
  await t.rejects(open(t, dir).sealLog(keyOf(1), { stdout: expect(Buffer.from('right')), stderr: NOTHING }), {
    code: 'E_CHECKSUM',
  })
})

t.test('a log that ends without its worker stays as it is, and can still be read and cut', async t => {
  const blobs = open(t, t.testdir())
  t.equal(await blobs.endParts(keyOf(1)), 0, 'one that never began')
  await blobs.append(keyOf(1), 'stdout', 0, Buffer.from('ab'))
  await blobs.append(keyOf(1), 'stderr', 0, Buffer.from('c'))
  await blobs.append(keyOf(1), 'stdout', 2, Buffer.from('d'))
  t.equal(await blobs.endParts(keyOf(1)), 4)
  t.equal(await readAll(blobs, keyOf(1), 3), 'o61o62e63o64')
  await blobs.cutLog(keyOf(1), 1, 1)
  t.equal(await blobs.endParts(keyOf(1)), 2, 'and again')
})

t.test('a long log becomes durable while it grows', async t => {
  const blobs = open(t, t.testdir())
  const chunk = Buffer.alloc(262_144, 'y')
  let durable = 0
  let offset = 0
  for (; offset < 64 * 2 ** 20 || durable === 0; offset += chunk.length) {
    const answer = await blobs.append(keyOf(1), 'stdout', offset, chunk)
    assert(answer.durableLength >= durable && answer.durableLength <= answer.length)
    durable = answer.durableLength
    if (offset > 2 ** 30) t.bailout('never durable')
  }
  t.ok(durable > 0)
  t.equal(readFileSync(`${t.testdirName}/logs/0/1.stdout`).length, offset)
})

/** The files of `pool` on a disk that makes nothing durable. */
const withoutSync = (pool: FilePool): FilePool => ({
  ...pool,
  read: (path, work) =>
    pool.read(path, file => {
      const datasync = (): Promise<void> => Promise.reject(Object.assign(new Error('no disk'), { code: 'EIO' }))
      return work({ ...file, handle: Object.assign(Object.create(file.handle), { datasync }) })
    }),
})

t.test('a sync that fails costs nothing of what another thread had made durable', async t => {
  const dir = t.testdir()
  const key = keyOf(1)
  const chunk = Buffer.alloc(2 ** 20, 'durable ')
  const known = 20 * chunk.length
  const before = open(t, dir)
  for (let bytes = 0; bytes < known; bytes += chunk.length) await before.append(key, 'stdout', bytes, chunk)
  const pool = createFilePool(systemClock)
  t.teardown(() => pool.close())
  const files = createLogFiles(dir, withoutSync(pool))
  t.strictSame(await files.append(key, 'stdout', 0, Buffer.alloc(0), known), { length: known, durableLength: known })
  const fill = async (): Promise<void> => {
    for (let end = known; ; ) end = (await files.append(key, 'stdout', end, chunk, known)).length
  }
  await t.rejects(fill(), { code: 'EIO' })
  t.match(await files.lengths(key), { stdout: known }, 'cut to what is on record')
  // Before anything was asked of the file by this instance.
  const other = createLogFiles(dir, withoutSync(pool))
  t.match(
    await other.append(key, 'stdout', 0, Buffer.alloc(0), 2 * known),
    { durableLength: known },
    'no more than it has',
  )
})
