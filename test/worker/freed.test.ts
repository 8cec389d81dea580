import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createFreed, createPunchHole } from '../../lib/worker/machine/freed.js'
import { FORM_BYTES_MAX } from '../../lib/worker/mask/forms.js'
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
  const holeEnd = freed.holeEnd('stdout')
  t.ok(holeEnd > 0 && holeEnd + FORM_BYTES_MAX <= MARK.bytes, 'what may be the begin of a secret stays')
  t.equal(freed.holeEnd('stderr'), 0)
  const next = createFreed(dir, createPunchHole())
  t.strictSame(await next.read(), { stdout: MARK })
  t.equal(next.holeEnd('stdout'), holeEnd, 'another process knows where it ends')
})

t.test('a file that its job has cut gets no hole', async t => {
  const dir = await tempDir(t)
  const freed = createFreed(dir, async () => t.fail('it has other bytes now'))
  await freed.free('stdout', MARK, async () => false)
  t.equal(freed.holeEnd('stdout'), 0)
})

t.test('where no hole can be made nothing is on record as freed', async t => {
  const dir = await tempDir(t)
  const freed = createFreed(dir, createPunchHole())
  await freed.free('stdout', MARK, isWhole) // there is no such file
  t.equal(freed.holeEnd('stdout'), 0)
  t.strictSame(await freed.read(), {})
  writeFileSync(join(dir, 'stdout'), Buffer.alloc(MARK.bytes, 'x'))
  const { blocks } = statSync(join(dir, 'stdout'))
  await freed.free('stdout', MARK, isWhole)
  t.equal(statSync(join(dir, 'stdout')).blocks, blocks, 'what failed once is left alone')
})
