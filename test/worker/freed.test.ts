import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createFreed, createPunchHole } from '../../lib/worker/machine/freed.js'
import { tempDir } from '../helpers/worker-bench.js'

const MIB = 1024 * 1024
const MARK = { bytes: 8 * MIB, crc32: 7 }
const isWhole = async (): Promise<boolean> => true

t.test('what is freed is on record, and the record is there before the hole', async t => {
  const dir = await tempDir(t)
  const freed = createFreed(dir, async (path, fromByte, toByte) => {
    t.strictSame(JSON.parse(readFileSync(join(dir, 'freed'), 'utf8')), { stdout: MARK })
    t.equal(path, join(dir, 'stdout'))
    t.equal(fromByte, 0)
    t.ok(toByte < MARK.bytes && toByte > MARK.bytes - MIB, 'the last bytes before the mark stay')
    return true
  })
  await freed.free('stdout', MARK, isWhole)
  t.equal(freed.bytes('stdout'), MARK.bytes)
  t.equal(freed.bytes('stderr'), 0)
  t.strictSame(await createFreed(dir, createPunchHole()).read(), { stdout: MARK })
})

t.test('a file that its job has cut gets no hole', async t => {
  const dir = await tempDir(t)
  const freed = createFreed(dir, async () => t.fail('it has other bytes now'))
  await freed.free('stdout', MARK, async () => false)
  t.equal(freed.bytes('stdout'), 0)
})

t.test('where no hole can be made nothing is on record as freed', async t => {
  const dir = await tempDir(t)
  const freed = createFreed(dir, createPunchHole())
  await freed.free('stdout', MARK, isWhole) // there is no such file
  t.equal(freed.bytes('stdout'), 0)
  t.strictSame(await freed.read(), {})
  writeFileSync(join(dir, 'stdout'), Buffer.alloc(MARK.bytes, 'x'))
  const { blocks } = statSync(join(dir, 'stdout'))
  await freed.free('stdout', MARK, isWhole)
  t.equal(statSync(join(dir, 'stdout')).blocks, blocks, 'what failed once is left alone')
})
