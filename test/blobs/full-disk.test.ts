import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { parseSha256 } from '../../protocol/ids.js'
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js'
import { keyOf, open } from './samples.js'

const options = { skip: noSmallDisk() }

const CHUNK = Buffer.alloc(200_000, 'full ')
const DISK_FULL = { code: 'E_STORE_FULL' }

t.test('on a full disk only whole chunks are kept, and it goes on where there is room again', options, async t => {
  const dir = mountSmallDisk(t, 2).path
  const blobs = open(t, dir)
  writeFileSync(join(dir, 'ballast'), Buffer.alloc(900_000))

  let stored = 0
  const fill = async (): Promise<void> => {
    for (;;) stored = (await blobs.append(keyOf(1), 'stdout', stored, CHUNK)).length
  }
  await t.rejects(fill(), DISK_FULL)
  t.equal(stored % CHUNK.length, 0)
  t.match(await blobs.lengths(keyOf(1)), { stdout: stored }, 'the file was cut back')
  await t.rejects(blobs.append(keyOf(1), 'stdout', stored, CHUNK), DISK_FULL)
  await t.rejects(blobs.append(keyOf(2), 'artifacts', 0, CHUNK), DISK_FULL)
  t.match(await blobs.lengths(keyOf(2)), { artifacts: 0 })

  rmSync(join(dir, 'ballast'))
  stored = (await blobs.append(keyOf(1), 'stdout', stored, CHUNK)).length
  const all = Buffer.alloc(stored, CHUNK)
  const nothing = { bytes: 0, crc32: 0 }
  await blobs.sealLog(keyOf(1), { stdout: { bytes: stored, crc32: crc32(all) }, stderr: nothing })
  const { chunks } = await blobs.readLog(keyOf(1), 'all', 0, stored)
  t.ok(all.equals(Buffer.concat(chunks.map(({ data }) => data))))
})

t.test('a bundle that finds no room for its copy can be completed later', options, async t => {
  const dir = mountSmallDisk(t, 2).path
  const blobs = open(t, dir)
  const content = Buffer.alloc(600_000, 'bundle ')
  const sha256 = parseSha256(createHash('sha256').update(content).digest('hex'))
  assert(sha256)
  writeFileSync(join(dir, 'ballast'), Buffer.alloc(1_200_000))
  await t.rejects(blobs.writeBundle(sha256, content.length, 0, content), DISK_FULL)
  t.equal(await blobs.bundleBytes(sha256), undefined)
  rmSync(join(dir, 'ballast'))
  const { length } = await blobs.writeBundle(sha256, content.length, 0, Buffer.alloc(0))
  t.equal(length, content.length)
  t.equal(await blobs.bundleBytes(sha256), content.length)
})

t.test('what was durable before the disk was full is so afterwards', options, async t => {
  const disk = mountSmallDisk(t, 40)
  const blobs = open(t, disk.path)
  const piece = Buffer.alloc(2 ** 20, 'durable ')
  let stored = 0
  for (; stored < 17 * piece.length; stored += piece.length) await blobs.append(keyOf(1), 'artifacts', stored, piece)
  const durableBytes = async (): Promise<number> =>
    (await blobs.append(keyOf(1), 'artifacts', stored, Buffer.alloc(0))).durableLength
  while ((await durableBytes()) === 0) await new Promise(setImmediate)
  const before = await durableBytes()
  disk.fill()
  await t.rejects(blobs.append(keyOf(1), 'artifacts', stored, piece), DISK_FULL)
  t.equal(await durableBytes(), before)
  disk.empty()
  stored = (await blobs.append(keyOf(1), 'artifacts', stored, piece)).length
  const sha256 = parseSha256(createHash('sha256').update(Buffer.alloc(stored, piece)).digest('hex'))
  assert(sha256)
  await blobs.sealArtifacts(keyOf(1), stored, sha256)
})
