import { existsSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createRemoval } from '../../lib/blobs/removal.js'
import type { JobId, Sha256 } from '../../protocol/ids.js'
import { hashOf, open } from './samples.js'

const NOW_MS = Date.UTC(2026, 0, 2)
const DAY_MS = 86_400_000
const key = (job: number, attempt = 1) => ({ job: job as JobId, attempt })
const files = (dir: string, folder: string): string[] =>
  readdirSync(join(dir, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort()

t.test('logs and artifacts of every attempt go, and nothing of another job', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  const zip = Buffer.from('zip')
  for (const at of [key(1), key(1, 2), key(2)]) {
    await blobs.append(at, 'stdout', 0, Buffer.from('out'))
    await blobs.append(at, 'stderr', 0, Buffer.from('err'))
    await blobs.append(at, 'artifacts', 0, zip)
    if (at.attempt === 1) await blobs.sealArtifacts(at, zip.length, hashOf(zip))
  }
  const removal = createRemoval(dir)
  await removal.removeJobs([{ job: 1 as JobId, attempt: 2 }])
  await removal.removeJobs([{ job: 1 as JobId, attempt: 2 }])
  t.strictSame(files(dir, 'logs'), ['2.order', '2.stderr', '2.stdout'])
  t.strictSame(files(dir, 'artifacts'), ['2.zip'])
  t.match(await blobs.lengths(key(1)), { stdout: 0, stderr: 0, artifacts: 0 })
  t.match(await blobs.lengths(key(2)), { stdout: 3, stderr: 3, artifacts: 3 })
  await removal.removeJobs([{ job: 4_000 as JobId, attempt: 1 }])
})

t.test('a bundle goes when nobody needs it and nobody touched it for a day', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  const contents = ['unused', 'used', 'touched'].map(text => Buffer.from(text))
  const [unused, used, touched] = contents.map(hashOf) as [Sha256, Sha256, Sha256]
  for (const content of contents) await blobs.writeBundle(hashOf(content), content.length, 0, content)
  const pathOf = (sha256: Sha256): string => join(dir, 'bundles', sha256.slice(0, 2), `${sha256}.zip`)
  const age = (ageMs: number): void => {
    for (const sha256 of [unused, used, touched])
      if (existsSync(pathOf(sha256))) utimesSync(pathOf(sha256), (NOW_MS - ageMs) / 1e3, (NOW_MS - ageMs) / 1e3)
  }
  const removal = createRemoval(dir)
  const sweepAll = async (): Promise<number> => {
    let removed = 0
    const findUnused = async (found: readonly Sha256[]) => found.filter(sha256 => sha256 !== used)
    for (let folder = 0; folder < 256; folder++) removed += await removal.sweepBundles(findUnused, NOW_MS)
    return removed
  }
  age(DAY_MS)
  t.equal(await sweepAll(), 0)
  age(DAY_MS + 1_000)
  t.equal(await blobs.touchBundle(touched), true)
  t.equal(await sweepAll(), 1)
  t.strictSame([unused, used, touched].map(pathOf).map(existsSync), [false, true, true])
  t.equal(await blobs.touchBundle(unused), false)
})
