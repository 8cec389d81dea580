import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hashOf, keyOf, open } from './samples.js'

const ZIP = Buffer.from('not really a zip, but bytes')
const SHA = hashOf(ZIP)

t.test('artifacts appear under their name when they are whole and right', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  const key = keyOf(4_321)
  await blobs.append(key, 'artifacts', 0, ZIP.subarray(0, 10))
  t.equal((await blobs.lengths(key)).artifacts, 10)
  t.equal((await blobs.readArtifacts(key, 0, 100)).length, 0, 'nobody reads what is not whole')
  await t.rejects(blobs.sealArtifacts(key, ZIP.length, SHA), { code: 'E_OFFSET', detail: { length: 10 } })
  await blobs.append(key, 'artifacts', 5, ZIP.subarray(5))
  await blobs.sealArtifacts(key, ZIP.length, SHA)
  t.equal(statSync(join(dir, 'artifacts/4/4321.zip')).mode & 0o777, 0o600)
  t.strictSame(Buffer.from(await blobs.readArtifacts(key, 4, 6)), ZIP.subarray(4, 10))
  t.strictSame(
    readdirSync(join(dir, 'artifacts/parts')).filter(name => !name.startsWith('.')),
    [],
  )
  t.equal((await blobs.lengths(key)).artifacts, ZIP.length)
})

t.test('sealing again is harmless, and what is sealed does not change', async t => {
  const blobs = open(t, t.testdir())
  await blobs.append(keyOf(1), 'artifacts', 0, ZIP)
  await blobs.sealArtifacts(keyOf(1), ZIP.length, SHA)
  await blobs.sealArtifacts(keyOf(1), ZIP.length, SHA)
  t.same(await blobs.append(keyOf(1), 'artifacts', 0, ZIP), { length: ZIP.length, durableLength: ZIP.length })
  await t.rejects(blobs.append(keyOf(1), 'artifacts', ZIP.length, ZIP), {
    code: 'E_OFFSET',
    detail: { length: ZIP.length },
  })
  await t.rejects(blobs.sealArtifacts(keyOf(1), ZIP.length, hashOf(Buffer.from('x'))), { code: 'E_CHECKSUM' })
  t.strictSame(Buffer.from(await blobs.readArtifacts(keyOf(1), 0, 100)), ZIP)
})

t.test('artifacts of a later attempt are files of their own', async t => {
  const blobs = open(t, t.testdir())
  const other = Buffer.from('other')
  await blobs.append(keyOf(1, 1), 'artifacts', 0, ZIP)
  await blobs.append(keyOf(1, 2), 'artifacts', 0, other)
  await blobs.sealArtifacts(keyOf(1, 1), ZIP.length, SHA)
  await blobs.sealArtifacts(keyOf(1, 2), other.length, hashOf(other))
  t.strictSame(Buffer.from(await blobs.readArtifacts(keyOf(1, 1), 0, 100)), ZIP)
  t.strictSame(Buffer.from(await blobs.readArtifacts(keyOf(1, 2), 0, 100)), other)
})

t.test('wrong artifacts are dropped, and may be sent again', async t => {
  const blobs = open(t, t.testdir())
  await blobs.append(keyOf(1), 'artifacts', 0, Buffer.from(ZIP).fill('x', 3, 4))
  await t.rejects(blobs.sealArtifacts(keyOf(1), ZIP.length, SHA), { code: 'E_CHECKSUM' })
  t.equal((await blobs.lengths(keyOf(1))).artifacts, 0)
  await blobs.append(keyOf(1), 'artifacts', 0, ZIP)
  await blobs.sealArtifacts(keyOf(1), ZIP.length, SHA)
})

t.test('artifacts whose sender moved to another thread are hashed as they are on the disk', async t => {
  const dir = t.testdir()
  const [first, second] = [open(t, dir), open(t, dir)]
  await first.append(keyOf(1), 'artifacts', 0, ZIP.subarray(0, 7))
  await second.append(keyOf(1), 'artifacts', 7, ZIP.subarray(7))
  await second.sealArtifacts(keyOf(1), ZIP.length, SHA)
  await first.sealArtifacts(keyOf(1), ZIP.length, SHA)
  t.strictSame(Buffer.from(await first.readArtifacts(keyOf(1), 0, 100)), ZIP)
})

t.test('parts that nobody came back for go after a week, and no others', async t => {
  const dir = t.testdir({ artifacts: { parts: { '7.part': 'old', '8.part': 'young' } } })
  const weekAgo = statSync(join(dir, 'artifacts/parts/8.part')).mtimeMs / 1e3 - 7 * 86_400 - 60
  utimesSync(join(dir, 'artifacts/parts/7.part'), weekAgo, weekAgo)
  const blobs = open(t, dir)
  await blobs.append(keyOf(9), 'artifacts', 0, ZIP)
  t.notOk(existsSync(join(dir, 'artifacts/parts/7.part')))
  t.ok(existsSync(join(dir, 'artifacts/parts/8.part')))
  t.equal((await blobs.lengths(keyOf(9))).artifacts, ZIP.length)
  writeFileSync(join(dir, 'artifacts/parts/7.part'), 'old')
  utimesSync(join(dir, 'artifacts/parts/7.part'), weekAgo, weekAgo)
  await open(t, dir).append(keyOf(10), 'artifacts', 0, ZIP)
  t.ok(existsSync(join(dir, 'artifacts/parts/7.part')), 'not looked at again within the hour')
})

t.test('what came of artifacts goes when their attempt ends without them, and what was sealed stays', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  await blobs.append(keyOf(4), 'artifacts', 0, ZIP.subarray(0, 5))
  for (const job of [4, 5]) await blobs.dropArtifacts(keyOf(job))
  t.notOk(existsSync(join(dir, 'artifacts/parts/4.part')))
  await blobs.append(keyOf(4), 'artifacts', 0, ZIP)
  await blobs.sealArtifacts(keyOf(4), ZIP.length, SHA)
  await blobs.append(keyOf(1), 'artifacts', 0, ZIP.subarray(0, 5))
  await blobs.append(keyOf(2), 'artifacts', 0, ZIP)
  await blobs.sealArtifacts(keyOf(2), ZIP.length, SHA)
  for (const job of [1, 2, 3]) await blobs.endParts(keyOf(job))
  t.notOk(existsSync(join(dir, 'artifacts/parts/1.part')))
  t.equal((await blobs.lengths(keyOf(1))).artifacts, 0)
  t.equal((await blobs.lengths(keyOf(2))).artifacts, ZIP.length)
})
