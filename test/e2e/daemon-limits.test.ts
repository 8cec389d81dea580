import { readFileSync } from 'node:fs'
import t from 'tap'
import { encodeFrame } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { encodeRequest } from '../../protocol/message.js'
import { deriveKeys, type ScramKeys } from '../../protocol/scram.js'
import { connectionsThatFit } from '../helpers/open-files.js'
import { type DaemonProcess, startDaemon } from '../helpers/processes.js'
import { openRaw, type RawConnection } from '../helpers/raw-connection.js'
import { nameOf } from '../helpers/worker-bench.js'

const MIB = 1024 * 1024
const WANTED_CONNECTIONS = 5_000

t.test('5,000 connections that each announce a large frame stay under the budget, and others are answered', async t => {
  const count = connectionsThatFit(t, WANTED_CONNECTIONS)
  const daemon = await startDaemon(t, {
    config:
      'byte_budget = "64MiB"\nconnections_per_address = 10000\nconnections_per_user = 10000\nframe_timeout = "10m"\n',
  })
  const client = await daemon.connect()
  const login = loginOnce(daemon)
  const peers: RawConnection[] = []
  t.teardown(() => {
    for (const peer of peers) peer.socket.destroy()
  })
  for (let at = 0; at < count; at += 50) peers.push(...(await Promise.all(Array.from({ length: 50 }, login))))
  const restBytes = residentBytes(daemon)

  // Each announces 1 MiB and sends half of it: 2.5 GB, were they all taken in.
  const header = Buffer.alloc(4)
  header.writeUInt32BE(MIB)
  const half = Buffer.alloc(MIB / 2, 0xc0)
  for (const peer of peers) {
    peer.socket.write(header)
    peer.socket.write(half)
  }
  let peakBytes = 0
  for (let round = 0; round < 40; round++) {
    await client.call('worker.list', {})
    peakBytes = Math.max(peakBytes, residentBytes(daemon))
  }
  const grewBytes = peakBytes - restBytes
  t.comment(`${count} connections: ${show(restBytes)} at rest, ${show(peakBytes)} at the peak`)
  t.ok(grewBytes < 2 * 64 * MIB, `grew by ${show(grewBytes)}`)
  t.equal((await client.call('server.status', {})).connections, count + 1, 'and none had to be closed')
})

t.test('fields that no method knows take no memory while a request waits', async t => {
  const daemon = await startDaemon(t)
  const client = await daemon.connect()
  await client.call('action.add', { action: nameOf('a'), command: ['true'] })
  const [job] = (await client.call('job.queue', { action: nameOf('a'), key: 'the only one' })).jobs
  const login = loginOnce(daemon)
  const restBytes = residentBytes(daemon)
  const filler = Array.from({ length: 65_000 }, () => ({}))
  for (let count = 0; count < 2; count++) {
    const peer = await login()
    // The last one is answered, when all before it wait.
    for (let id = 1; id < LIMITS.pipelinedMax.value; id++) peer.send(id, 'job.wait', { job, waitMs: 60_000, filler })
    peer.send(99, 'job.wait', { job, waitMs: 0, filler })
    t.match(await peer.next(), { kind: 'reply', id: 99 })
  }
  const grewBytes = residentBytes(daemon) - restBytes
  t.ok(grewBytes < 128 * MIB, `grew by ${show(grewBytes)}`)
  t.equal((await client.call('server.status', {})).connections, 3)
})

t.test('a client that pipelines and never reads is held at what it may, then cut off', async t => {
  const daemon = await startDaemon(t, { config: 'stall_timeout = "2s"\nbyte_budget = "16MiB"\n' })
  const client = await daemon.connect()
  const peer = await loginOnce(daemon)()
  const restBytes = residentBytes(daemon)
  peer.socket.pause()
  const request = encodeFrame(encodeRequest(7, 'worker.list', { filler: Buffer.alloc(8 * 1024) }))
  let sentCount = 0
  const pump = (): void => {
    while (!peer.socket.destroyed && peer.socket.write(request)) sentCount++
  }
  peer.socket.on('drain', pump)
  pump()
  let peakBytes = 0
  while (!peer.socket.destroyed && (await client.call('server.status', {})).connections === 2)
    peakBytes = Math.max(peakBytes, residentBytes(daemon))
  t.ok(peakBytes - restBytes < 128 * MIB, `grew by ${show(peakBytes - restBytes)} after ${sentCount} requests`)
  peer.socket.resume()
  await peer.closed
  t.ok(await daemon.said(/took no byte of its replies/))
})

t.test('clients that drip are cut off in time, and others are answered meanwhile', async t => {
  const daemon = await startDaemon(t, { config: 'frame_timeout = "1s"\n' })
  const client = await daemon.connect()
  const silent = await Promise.all(Array.from({ length: 20 }, () => openRaw(daemon.address)))
  const dripping = await Promise.all(Array.from({ length: 5 }, loginOnce(daemon)))
  const header = Buffer.alloc(4)
  header.writeUInt32BE(100_000)
  for (const peer of dripping) peer.socket.write(header)
  let isOver = false
  const over = Promise.all([...silent, ...dripping].map(peer => peer.closed)).then(() => {
    isOver = true
  })
  while (!isOver) {
    for (const peer of dripping) if (!peer.socket.destroyed) peer.socket.write('x')
    await client.call('server.status', {})
  }
  await over
  t.ok(await daemon.said(/did not authenticate/))
  t.ok(await daemon.said(/a frame did not end/))
  t.equal((await client.call('server.status', {})).connections, 1)
})

t.test('guesses are counted together, whichever thread they come to, and other users get in', async t => {
  const daemon = await startDaemon(t, { config: 'threads = "per-connection"\n' })
  const client = await daemon.connect()
  const guess = async (user: string): Promise<string | undefined> => {
    const raw = await openRaw(daemon.address)
    await t.rejects(raw.login(user, async () => ({ clientKey: Buffer.alloc(32), serverKey: Buffer.alloc(32) })))
    await raw.closed
    return raw.refusal
  }
  // The delay doubles: sooner or later it is longer than this machine takes for one guess.
  let guesses = 1
  while ((await guess('nobody')) === 'E_AUTH') guesses++
  t.ok(guesses > LIMITS.loginsFreeMax.value, `held back at guess ${guesses}`)
  t.equal((await daemon.connect()).role, 'admin')
  t.match(await client.call('server.status', {}), { connections: 2 })
})

t.test('more connections than the config lets in are told why', async t => {
  const daemon = await startDaemon(t, { config: 'connections_max = 3\n' })
  const clients = [await daemon.connect(), await daemon.connect(), await daemon.connect()]
  await t.rejects(daemon.connect(), { code: 'E_TOO_MANY' })
  clients[0]!.close()
  await clients[0]!.closed
  for (;;) if ((await clients[1]!.call('server.status', {})).connections < 3) break
  t.equal((await daemon.connect()).role, 'admin')
})

t.test(
  'a frame that announces too much is answered with an error and a close, before and after authentication',
  async t => {
    const daemon = await startDaemon(t, { args: ['--buffer', '64KiB'] })
    const stranger = await openRaw(daemon.address)
    const friend = await loginOnce(daemon)()
    const header = Buffer.alloc(4)
    for (const [peer, bytes] of [
      [stranger, LIMITS.frameBytesBeforeAuth.value + 1],
      [friend, 64 * 1024 + 1],
    ] as const) {
      header.writeUInt32BE(bytes)
      peer.socket.write(header)
      t.match(await peer.next(), { kind: 'reply', id: 0, error: { code: 'E_FRAME_TOO_LARGE' } })
      t.equal(await peer.next(), undefined)
    }
  },
)

/** Opens authenticated connections; PBKDF2 is done once for all of them. */
function loginOnce(daemon: DaemonProcess): () => Promise<RawConnection> {
  let keys: Promise<ScramKeys> | undefined
  return async () => {
    const raw = await openRaw(daemon.address)
    await raw.login('admin', (salt, iterations) => {
      keys ??= deriveKeys(daemon.password, salt, iterations)
      return keys
    })
    return raw
  }
}

function residentBytes(daemon: DaemonProcess): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

const show = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`
