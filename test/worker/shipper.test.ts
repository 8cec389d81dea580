import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { silentLog } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/connection.js'
import type { LeaseHolder, Link } from '../../lib/worker/link.js'
import type { AttemptFiles } from '../../lib/worker/ports.js'
import { Shipper } from '../../lib/worker/shipper.js'
import { JankinsError } from '../../protocol/errors.js'
import type { Params } from '../../protocol/methods.js'

const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, index) => (index * 7) % 256))

/** A daemon that keeps what is appended and may forget the end of it, as after an unclean restart. */
function stage(stdout: Buffer, forgetAt: readonly number[] = []) {
  let stored: Buffer = Buffer.alloc(0)
  const forget = [...forgetAt]
  const link = {
    ready: async () => ({ frameBytesMax: 65_536, chunkBytesMax: 262_144 }) as Client,
    bulk: async () => ({ frameBytesMax: 65_536, chunkBytesMax: 262_144 }) as Client,
    async insist(_method: string, params: Params<'job.append'>) {
      await new Promise(resolve => setImmediate(resolve))
      if (forget.length > 0 && stored.length > forget[0]!) stored = stored.subarray(0, forget.shift()! / 2)
      if (params.offset > stored.length) throw new JankinsError('E_OFFSET', { length: stored.length })
      if (params.offset + params.data.length > stored.length)
        stored = Buffer.concat([stored.subarray(0, params.offset), params.data])
      return { length: stored.length, durableLength: stored.length }
    },
  } as unknown as Link
  const files = {
    record: { grant: { logLimitBytes: 1e9, onLogLimit: 'cut' } },
    partBytes: async (part: string) => (part === 'stdout' ? stdout.length : 0),
    readPart: async (_part: string, offset: number, max: number) => stdout.subarray(offset, offset + max),
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
