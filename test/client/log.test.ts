import t from 'tap'
import { readLog } from '../../lib/client/log.js'
import { connectResilient, type ResilientClient } from '../../lib/client/resilient.js'
import { encodeFrame } from '../../protocol/frame.js'
import type { JobId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { encodeReply } from '../../protocol/message.js'
import type { Params } from '../../protocol/methods.js'
import { FakeClock } from '../helpers/clock.js'
import { readyDial, scriptedLogin } from './scripted.js'

const PAGE = LIMITS.chunkBytesMin.value
const log = Buffer.from(Array.from({ length: 4 * PAGE + 1_000 }, (_, index) => (index * 7) % 251))

/** A daemon of an old release that has one finished log; `pageBytesMax` says how much it gives at an offset. */
async function stage(
  pageBytesMax: (offset: number) => number = () => PAGE,
): Promise<{ client: ResilientClient; asked: number[] }> {
  const asked: number[] = []
  const dial = readyDial((message, far) => {
    if (message.kind !== 'request') return
    const { offset, bytesMax } = message.params as Params<'job.log'>
    asked.push(offset)
    if (bytesMax > PAGE) return far.destroy()
    const data = log.subarray(offset, offset + Math.min(bytesMax, pageBytesMax(offset)))
    const next = Math.min(offset, log.length) + data.length
    const chunks = data.length > 0 ? [{ stream: 'stdout', data }] : []
    far.write(encodeFrame(encodeReply(message.id, { attempt: 1, chunks, next, ended: next === log.length })))
  })
  const address = { host: 'memory', port: 1 }
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock: new FakeClock() })
  return { client, asked }
}

async function read(client: ResilientClient, follow: boolean): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const { data } of readLog(client, { job: 1 as JobId, attempt: 1, stream: 'all', follow }))
    pieces.push(data)
  return Buffer.concat(pieces)
}

t.test('an old daemon is asked for pages that it takes, and behind full ones ahead', async t => {
  const { client, asked } = await stage()
  t.ok((await read(client, false)).equals(log))
  t.strictSame(asked, [0, 1, 2, 3, 4].map(page => page * PAGE).concat(asked.slice(5)))
  client.close()
})

t.test('short pages are followed where they end, and nothing is asked for ahead of them', async t => {
  const { client, asked } = await stage(() => 100_000)
  t.ok((await read(client, false)).equals(log))
  t.strictSame(
    asked,
    Array.from({ length: 11 }, (_, page) => page * 100_000),
  )
  client.close()
})

t.test('what was asked for ahead of a page that came short is asked for anew', async t => {
  const { client } = await stage(offset => (offset === 2 * PAGE ? 1_000 : PAGE))
  t.ok((await read(client, false)).equals(log))
  client.close()
})

t.test('a log that is followed is asked for page by page', async t => {
  const { client, asked } = await stage()
  t.ok((await read(client, true)).equals(log))
  t.strictSame(
    asked,
    [0, 1, 2, 3, 4].map(page => page * PAGE),
  )
  client.close()
})
