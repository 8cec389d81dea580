import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { silentLog } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/connection.js'
import type { LeaseHolder, Link } from '../../lib/worker/link.js'
import { type AttemptFiles, type Pack, PackError } from '../../lib/worker/ports.js'
import { Shipper } from '../../lib/worker/shipper.js'
import { JankinsError } from '../../protocol/errors.js'
import type { Sha256 } from '../../protocol/ids.js'
import type { Params } from '../../protocol/methods.js'

const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, index) => (index * 7) % 256))

/** A daemon that keeps what is appended and may forget the end of it, as after an unclean restart. */
function stage(stdout: Buffer, forgetAt: readonly number[] = [], refuse: () => void = () => {}) {
  let stored: Buffer = Buffer.alloc(0)
  const forget = [...forgetAt]
  const link = {
    ready: async () => ({ frameBytesMax: 65_536, chunkBytesMax: 262_144 }) as Client,
    bulk: async () => ({ frameBytesMax: 65_536, chunkBytesMax: 262_144 }) as Client,
    async insist(_method: string, params: Params<'job.append'>) {
      await new Promise(resolve => setImmediate(resolve))
      refuse()
      if (forget.length > 0 && stored.length > forget[0]!) stored = stored.subarray(0, forget.shift()! / 2)
      if (params.offset > stored.length) throw new JankinsError('E_OFFSET', { length: stored.length })
      if (params.offset + params.data.length > stored.length)
        stored = Buffer.concat([stored.subarray(0, params.offset), params.data])
      return { length: stored.length, durableLength: stored.length }
    },
  } as unknown as Link
  const files = {
    record: { grant: { logLimitBytes: 1e9, onLogLimit: 'cut' } },
    streamBytes: async (part: string) => (part === 'stdout' ? stdout.length : 0),
    readStream: async (_part: string, offset: number, max: number) => stdout.subarray(offset, offset + max),
    readPlan: async () => undefined,
  } as unknown as AttemptFiles
  const shipper = new Shipper(files, link, { job: 1, lease: 'l' } as unknown as LeaseHolder, silentLog)
  return { shipper, stored: () => stored }
}

t.test('a daemon that has less than it had answered gets the bytes again', async t => {
  const file = bytes(1_000_000)
  const { shipper, stored } = stage(file, [200_000, 150_000, 700_000])
  await shipper.shipGrowth()
  t.ok(stored().equals(file))
  t.strictSame(await shipper.shipEnd(), {
    stdout: { bytes: file.length, crc32: crc32(file) },
    stderr: { bytes: 0, crc32: 0 },
  })
})

t.test('what the daemon has of an adopted job is not sent again, and counts in the checksum', async t => {
  const file = bytes(50_000)
  const { shipper } = stage(file)
  shipper.startFrom({ stdoutBytes: 49_990, stderrBytes: 0, artifactsBytes: 0 })
  const { stdout } = await shipper.shipEnd()
  t.equal(stdout.crc32, crc32(file))
  t.ok(Buffer.from(stdout.tail!).equals(file.subarray(49_990)))
})

t.test('a small log rides in the finish', async t => {
  const { shipper, stored } = stage(bytes(1_000))
  const { stdout, stderr } = await shipper.shipEnd()
  t.equal(stored().length, 0)
  t.equal(stdout.tail?.length, 1_000)
  t.strictSame(stderr, { bytes: 0, crc32: 0 })
})

/** An archive whose bytes are known in the end only; `broken` says where it cannot be read. */
function packOf(whole: Buffer, broken = Number.POSITIVE_INFINITY) {
  const asked: number[] = []
  const sha256 = 'a'.repeat(64) as Sha256
  let made: Pack['made']
  const pack: Pack = {
    get made() {
      return made
    },
    async read(offset, into) {
      asked.push(offset)
      if (offset + into.length > broken) throw new PackError('a file has changed')
      made = offset >= whole.length ? { bytes: whole.length, sha256 } : undefined
      return made ? undefined : into.subarray(0, whole.copy(into, 0, offset))
    },
    close() {},
  }
  return { pack, asked, made: { bytes: whole.length, sha256 } }
}

t.test('an archive is shipped while it is made, to an end that shows by itself', async t => {
  for (const length of [1, 64_512, 200_000, 1_000_000]) {
    const whole = bytes(length)
    const { shipper, stored } = stage(Buffer.alloc(0))
    const { pack, made } = packOf(whole)
    t.strictSame(await shipper.shipArtifacts(pack), made)
    t.ok(stored().equals(whole), `${length} bytes`)
  }
})

t.test('of an archive goes again what the daemon has lost, and nothing that it has', async t => {
  const whole = bytes(1_000_000)
  const lossy = stage(Buffer.alloc(0), [200_000, 900_000])
  t.strictSame(await lossy.shipper.shipArtifacts(packOf(whole).pack), packOf(whole).made)
  t.ok(lossy.stored().equals(whole))
  const adopted = stage(Buffer.alloc(0))
  const { pack, asked, made } = packOf(whole)
  adopted.shipper.startFrom({ stdoutBytes: 0, stderrBytes: 0, artifactsBytes: whole.length })
  t.strictSame(await adopted.shipper.shipArtifacts(pack), made)
  t.strictSame(asked[0], whole.length, 'its sum has to be made all the same')
  t.equal(adopted.stored().length, 0)
})

t.test('an archive that cannot be made to its end is told as such', async t => {
  const { shipper } = stage(Buffer.alloc(0))
  const { pack, asked } = packOf(bytes(1_000_000), 700_000)
  await t.rejects(shipper.shipArtifacts(pack), PackError)
  t.strictSame(
    asked,
    Array.from({ length: 11 }, (_, index) => index * 64_512),
    'and is not asked for that again',
  )
})

t.test('nothing of an archive is being read any more when its shipping has failed', async t => {
  const lost = new JankinsError('E_LEASE_LOST', { job: 1 })
  const { shipper } = stage(Buffer.alloc(0), [], () => {
    throw lost
  })
  const { pack } = packOf(bytes(1_000_000))
  let readings = 0
  const slow: Pack = {
    ...{ made: undefined, close() {} },
    async read(offset, into) {
      readings++
      for (let turns = 0; turns < 5; turns++) await new Promise(resolve => setImmediate(resolve))
      readings--
      return await pack.read(offset, into)
    },
  }
  await t.rejects(shipper.shipArtifacts(slow), lost)
  t.equal(readings, 0)
})

t.test('a job that prints no more has freed what was durable too late for its last answer', async t => {
  const file = Buffer.alloc(20 * 1024 * 1024)
  const sent: number[] = []
  let [length, durableLength] = [0, 0]
  const link = {
    ready: async () => ({ frameBytesMax: 1 << 20, chunkBytesMax: 960 * 1024 }) as Client,
    bulk: async () => ({ frameBytesMax: 1 << 20, chunkBytesMax: 960 * 1024 }) as Client,
    async insist(_method: string, { offset, data }: Params<'job.append'>) {
      sent.push(data.length)
      length = Math.max(length, offset + data.length)
      return { length, durableLength }
    },
  } as unknown as Link
  const freed: number[] = []
  const files = {
    record: { grant: { logLimitBytes: 1e9, onLogLimit: 'cut' } },
    freeStepBytes: 8 * 1024 * 1024,
    streamBytes: async (part: string) => (part === 'stdout' ? file.length : 0),
    readStream: async (_part: string, offset: number, max: number) => file.subarray(offset, offset + max),
    free: async (_stream: string, { bytes }: { bytes: number }) => void freed.push(bytes),
  } as unknown as AttemptFiles
  const shipper = new Shipper(files, link, { job: 1, lease: 'l' } as unknown as LeaseHolder, silentLog)
  t.ok((await shipper.shipGrowth()).grew)
  sent.length = 0
  t.notOk((await shipper.shipGrowth()).grew)
  t.strictSame([sent, freed], [[0], []], 'it asks, and nothing is durable yet')
  durableLength = 17 * 1024 * 1024
  await shipper.shipGrowth()
  t.strictSame(sent, [0, 0])
  t.ok(freed.length === 1 && freed[0]! <= durableLength && freed[0]! > durableLength - 2 * 1024 * 1024)
  await shipper.shipGrowth()
  t.strictSame(sent, [0, 0], 'the daemon has nothing more to make durable')
})
