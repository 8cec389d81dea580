import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import type { AttemptKey } from '../../lib/blobs/blobs.js'
import { openBlobs } from '../../lib/blobs/open.js'
import { parseJobId, parseSha256 } from '../../protocol/ids.js'

/** A file system of 2 MiB, which goes with the test. */
function mountSmallDisk(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'jankins-full-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir], { stdio: 'pipe' })
  t.teardown(() => execFileSync('umount', [dir]))
  return dir
}

function mayMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'jankins-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', dir], { stdio: 'pipe' })
    execFileSync('umount', [dir])
    return true
  } catch {
    return false
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const options = { skip: mayMount() ? false : 'NOT TESTED: this user may not mount a small disk' }

function keyOf(job: number): AttemptKey {
  const id = parseJobId(job)
  assert(id)
  return { job: id, attempt: 1 }
}

const CHUNK = Buffer.alloc(200_000, 'full ')
const DISK_FULL = { code: 'E_STORE_FULL' }

t.test('on a full disk only whole chunks are kept, and it goes on where there is room again', options, async t => {
  const dir = mountSmallDisk(t)
  const blobs = openBlobs(dir)
  t.teardown(() => blobs.close())
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
  const dir = mountSmallDisk(t)
  const blobs = openBlobs(dir)
  t.teardown(() => blobs.close())
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
