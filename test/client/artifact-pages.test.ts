import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { listArtifacts } from '../../lib/client/archive/unpack.js'
import { piecesOf, readWhole, type ZipSource } from '../../lib/client/archive/zip-source.js'
import { openArtifacts } from '../../lib/client/artifact-pages.js'
import { connectResilient } from '../../lib/client/resilient.js'
import { encodeFrame } from '../../protocol/frame.js'
import type { JobId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { encodeReply } from '../../protocol/message.js'
import type { Params } from '../../protocol/methods.js'
import { FakeClock } from '../helpers/clock.js'
import { craftZip } from './archive-helpers/craft-zip.js'
import { readyDial, scriptedLogin } from './scripted.js'

const PAGE = LIMITS.chunkBytesMin.value
const MIB = 2 ** 20
const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

interface Stage {
  readonly artifacts: ZipSource
  /** First byte of each request, in order. */
  readonly asked: number[]
  readonly progress: number[]
}

/** A daemon with the artifacts of one job; `give` says what it answers instead of all that it was asked for. */
async function stage(
  zip: Buffer,
  give: (offset: number, bytesMax: number) => object = () => ({}),
  sha256 = sha256Of(zip),
): Promise<Stage> {
  const asked: number[] = []
  const progress: number[] = []
  const dial = readyDial((message, far) => {
    if (message.kind !== 'request') return
    const { offset, bytesMax } = message.params as Params<'artifact.read'>
    if (bytesMax > PAGE) return far.destroy()
    if (bytesMax > 1) asked.push(offset)
    const data = zip.subarray(offset, offset + bytesMax)
    const page = { data, totalBytes: zip.length, sha256, ...give(offset, bytesMax) }
    far.write(encodeFrame(encodeReply(message.id, page)))
  })
  const address = { host: 'memory', port: 1 }
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock: new FakeClock() })
  t.teardown(() => client.close())
  const artifacts = await openArtifacts(client, 1 as JobId, doneBytes => progress.push(doneBytes))
  return { artifacts, asked, progress }
}

t.test('an archive is read in order, each page once, and its sum is made meanwhile', async t => {
  const zip = randomBytes(5 * PAGE + 1_000)
  const { artifacts, asked, progress } = await stage(zip)
  t.equal(artifacts.bytes, zip.length)
  t.ok((await readWhole(artifacts)).equals(zip))
  await artifacts.verify()
  const pages = [0, 1, 2, 3, 4, 5].map(page => page * PAGE)
  t.strictSame(asked, pages)
  t.strictSame(progress, [...pages.slice(1), zip.length])
})

t.test('bytes are read where they are wanted, and what was left out for the sum in the end', async t => {
  const zip = randomBytes(9 * PAGE)
  const { artifacts, asked } = await stage(zip)
  const read = async (start: number, end: number): Promise<Buffer> => {
    const pieces: Buffer[] = []
    for await (const piece of piecesOf(artifacts, start, end)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  const ranges = [
    [zip.length - 10, zip.length],
    [0, 30],
    [PAGE - 1, PAGE + 1],
    [5 * PAGE + 7, 7 * PAGE],
    [3, 3],
  ] as const
  for (const [start, end] of ranges) t.ok((await read(start, end)).equals(zip.subarray(start, end)), `${start}-${end}`)
  t.equal(asked.filter(offset => offset === 0).length, 1, 'the page in hand is not asked for again')
  await artifacts.verify()
  await artifacts.verify()
})

t.test('a daemon that gives less than it was asked for is asked for the rest', async t => {
  const zip = randomBytes(2 * PAGE + 5)
  const { artifacts } = await stage(zip, (offset, bytesMax) => ({
    data: zip.subarray(offset, offset + Math.min(bytesMax, 100_000)),
  }))
  t.ok((await readWhole(artifacts)).equals(zip))
  await artifacts.verify()
})

t.test('bytes that are missing or others are told', async t => {
  const zip = randomBytes(2 * PAGE)
  const wrong = await stage(zip, undefined, sha256Of(randomBytes(1)))
  await t.rejects(wrong.artifacts.verify(), { code: 'E_CHECKSUM', detail: { job: 1 } })
  const damaged = await stage(zip, offset => (offset === PAGE ? { data: randomBytes(PAGE) } : {}))
  await t.rejects(damaged.artifacts.verify(), { code: 'E_CHECKSUM' })
  const empty = await stage(zip, offset => (offset === PAGE ? { data: Buffer.alloc(0) } : {}))
  await t.rejects(readWhole(empty.artifacts), { code: 'E_OFFSET', detail: { length: PAGE } })
  const other = await stage(zip, offset => (offset === PAGE ? { totalBytes: 3 * PAGE } : {}))
  await t.rejects(readWhole(other.artifacts), { code: 'E_OFFSET' })
})

t.test('to list a large archive its directory is read, and where its symlinks lead', async t => {
  const zip = craftZip([
    { name: 'l', data: 'b', mode: 0o120777 },
    { name: 'a', data: randomBytes(20 * MIB), mode: 0o100644 },
    { name: 'b', data: randomBytes(20 * MIB), mode: 0o100644 },
  ])
  const { artifacts, asked } = await stage(zip)
  t.match(await listArtifacts(artifacts), [{ path: 'l', target: 'b' }, { path: 'a' }, { path: 'b', bytes: 20 * MIB }])
  t.ok(asked.length <= 8, `${asked.length} of ${Math.ceil(zip.length / PAGE)} pages`)
})
