import t from 'tap'
import { type Log, silentLog } from '../../../lib/base/log.js'
import { LIMITS } from '../../../protocol/limits.js'
import { encodeNotice, encodeRequest } from '../../../protocol/message.js'
import { settle, until } from '../../helpers/clock.js'
import { startDaemonInProcess, type TestDaemon } from '../../helpers/daemon.js'
import { readySession } from './bare-session.js'
import { openPeer } from './peer.js'

const CLAIM = 'c'.repeat(32)
const ATTACH = { worker: 'box', instance: 'a'.repeat(32), labels: [], slots: 4, version: '0.1.0' }

/** A reply of about 128 KiB for whoever asks for the action. */
async function defineLarge(daemon: TestDaemon): Promise<void> {
  const admin = await daemon.client('admin')
  const script = 'x'.repeat(LIMITS.commandBytesMax.value)
  const environment = [1, 2].map(n => [`V${n}`, 'y'.repeat(32 * 1024)] as const)
  await admin.call('action.add', { action: 'large' as never, script, environment })
}

t.test('requests are carried out at once and answered as they are done', async t => {
  const daemon = await startDaemonInProcess(t)
  const peer = await openPeer(daemon)
  await peer.authenticate(await daemon.login('worker'))
  peer.request(10, 'worker.attach', ATTACH)
  t.match(await peer.reply(), { id: 10 })
  peer.request(11, 'job.claim', { claim: CLAIM, waitMs: 60_000 })
  peer.request(12, 'server.status', {})
  t.match(await peer.reply(), { id: 12 }, 'the parked claim holds nothing up')
  peer.cancel(11)
  t.match(await peer.reply(), { id: 11, error: { code: 'E_CANCELLED' } })
  peer.cancel(11)
  peer.cancel(999)
  peer.request(13, 'server.status', {})
  t.match(await peer.reply(), { id: 13 }, 'cancelling what is over, or never was, is ignored')
})

t.test('an id that is in use is refused, and free again after its reply', async t => {
  const daemon = await startDaemonInProcess(t)
  const peer = await openPeer(daemon)
  await peer.authenticate(await daemon.login('worker'))
  peer.request(10, 'worker.attach', ATTACH)
  await peer.reply()
  peer.request(11, 'job.claim', { claim: CLAIM, waitMs: 60_000 })
  peer.request(11, 'server.status', {})
  t.match(await peer.reply(), { id: 11, error: { code: 'E_BAD_REQUEST', detail: { field: 'id' } } })
  peer.cancel(11)
  t.match(await peer.reply(), { id: 11, error: { code: 'E_CANCELLED' } })
  peer.request(11, 'server.status', {})
  t.match(await peer.reply(), { id: 11, error: undefined })
})

t.test('a peer that reads nothing stops the work for it, and what it reads starts it again', async t => {
  const daemon = await startDaemonInProcess(t)
  await defineLarge(daemon)
  const bare = await readySession(daemon, await daemon.login('reader'))
  const beforeBytes = bare.sentBytes()
  const count = LIMITS.pipelinedMax.value
  for (let id = 1; id <= count; id++) bare.request(id, 'action.list', { action: 'large' })
  await settle()
  const stoppedAt = bare.waitingCount()
  t.ok(stoppedAt > 0 && stoppedAt < 8, `${stoppedAt} of ${count} answered`)
  t.ok(bare.sentBytes() - beforeBytes < 2 * LIMITS.replyBytesMax.value, 'what was produced is bounded')
  t.notOk(bare.session.idle, 'the rest is in hand')
  await settle()
  t.equal(bare.waitingCount(), stoppedAt, 'nothing moves by itself')
  for (let left = count; left > 0; left--) {
    const reply = await bare.reply()
    t.equal(reply.error, undefined)
    bare.session.credit(Math.ceil((bare.sentBytes() - beforeBytes) / (count - left + 1 + bare.waitingCount())))
  }
  t.ok(bare.session.idle)
  t.equal(bare.handledCount(), count + 2, 'each frame was counted once')
  bare.session.close()
})

t.test('without credit no request is begun, a small one neither', async t => {
  const daemon = await startDaemonInProcess(t)
  await defineLarge(daemon)
  const bare = await readySession(daemon, await daemon.login('reader'))
  const count = 10
  for (let id = 1; id <= count; id++) bare.request(id, 'action.list', { action: 'large' })
  await settle()
  const answered = bare.waitingCount()
  bare.request(99, 'server.status', {})
  await settle()
  t.equal(bare.waitingCount(), answered)
  bare.session.credit(count * LIMITS.replyBytesMax.value)
  const ids = []
  for (let n = 0; n <= count; n++) ids.push((await bare.reply()).id)
  t.ok(ids.includes(99))
  bare.session.close()
})

t.test('a session that is closed drops what waits for credit', async t => {
  const daemon = await startDaemonInProcess(t)
  await defineLarge(daemon)
  const bare = await readySession(daemon, await daemon.login('reader'))
  for (let id = 1; id <= 20; id++) bare.request(id, 'action.list', { action: 'large' })
  await settle()
  const sentBytes = bare.sentBytes()
  bare.session.close()
  bare.session.credit(10_000_000)
  bare.request(50, 'server.status', {})
  await settle()
  t.ok(bare.session.idle)
  t.equal(bare.sentBytes(), sentBytes, 'nothing is said any more')
})

t.test('a session takes no more requests at once than its limit', async t => {
  const daemon = await startDaemonInProcess(t)
  const bare = await readySession(daemon, await daemon.login('worker'))
  bare.request(9, 'worker.attach', ATTACH)
  await bare.reply()
  const parked = LIMITS.pipelinedMax.value
  for (let id = 100; id < 100 + parked; id++)
    bare.request(id, 'job.claim', { claim: id.toString(16).padStart(32, '0'), waitMs: 60_000 })
  bare.request(1, 'server.status', {})
  t.match(await bare.reply(), { id: 1, error: { code: 'E_TOO_MANY', retry: true } })
  bare.session.close()
  await settle()
})

t.test('a daemon that drains answers what is parked, refuses new work, and lets running jobs end', async t => {
  const daemon = await startDaemonInProcess(t)
  const bare = await readySession(daemon, await daemon.login('worker'))
  bare.request(1, 'worker.attach', ATTACH)
  await bare.reply()
  bare.request(2, 'job.claim', { claim: CLAIM, waitMs: 60_000 })
  await settle()
  bare.session.drain()
  t.match(await bare.reply(), { id: 2, error: { code: 'E_DRAINING', retry: true } })
  const waiting = await readySession(daemon, await daemon.login('reader'))
  const admin = await daemon.client('admin')
  const { job } = await admin.call('job.exec', { key: CLAIM, command: ['true'] })
  const timerCount = daemon.clock.pendingCount
  waiting.request(5, 'job.wait', { job, waitMs: 60_000 })
  waiting.request(6, 'job.log', { job, stream: 'all', offset: 0, bytesMax: 10, waitMs: 60_000 })
  await until(() => daemon.clock.pendingCount === timerCount + 2, 'both are parked')
  waiting.session.drain()
  t.match(await waiting.reply(), { error: { code: 'E_DRAINING' } })
  t.match(await waiting.reply(), { error: { code: 'E_DRAINING' } })
  waiting.session.close()
  bare.request(3, 'job.claim', { claim: CLAIM, waitMs: 0 })
  t.match(await bare.reply(), { id: 3, error: { code: 'E_DRAINING' } })
  bare.request(4, 'worker.beat', { leases: [], free: 4, load: 0 })
  t.match(await bare.reply(), { id: 4, error: undefined })
  t.ok(bare.session.idle)
  bare.session.close()
})

t.test('a session tells when nothing is in hand any more, also when its connection has gone', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const { job } = await admin.call('job.exec', { key: CLAIM, command: ['true'] })
  const bare = await readySession(daemon, await daemon.login('reader'))
  await settle()
  const before = bare.idleCount()
  bare.request(1, 'job.wait', { job, waitMs: 60_000 })
  bare.request(2, 'server.status', {})
  t.match(await bare.reply(), { id: 2 })
  await settle()
  t.equal(bare.idleCount(), before, 'the other one is parked')
  bare.session.close()
  t.notOk(bare.session.idle)
  await until(() => bare.idleCount() === before + 1, 'it has become idle')
  t.ok(bare.session.idle)
})

t.test('a wait that is cancelled leaves nothing behind in the daemon', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const { job } = await admin.call('job.exec', { key: CLAIM, command: ['true'] })
  const bare = await readySession(daemon, await daemon.login('reader'))
  const timerCount = daemon.clock.pendingCount
  bare.request(5, 'job.wait', { job, waitMs: 60_000 })
  bare.request(6, 'job.log', { job, stream: 'all', offset: 0, bytesMax: 10, waitMs: 60_000 })
  await until(() => daemon.clock.pendingCount === timerCount + 2, 'both are parked')
  bare.cancel(5)
  bare.cancel(6)
  const ids = [(await bare.reply()).id, (await bare.reply()).id]
  t.strictSame(
    ids.sort((a, b) => a - b),
    [5, 6],
  )
  await until(() => daemon.clock.pendingCount === timerCount, 'their time is given back')
  bare.session.close()
})

t.test('an error of our own is logged with an incident, tells nothing else, and costs that session only', async t => {
  const logged: unknown[] = []
  const log: Log = { ...silentLog, error: (_, facts, error) => logged.push({ ...facts, error }) }
  const writer = (real: TestDaemon['writer']): TestDaemon['writer'] => ({
    ...real,
    counters: () => Promise.reject(new Error('a secret of the daemon')),
  })
  let broken: boolean = true
  const daemon = await startDaemonInProcess(t, {
    log,
    writer: real => ({ ...real, counters: () => (broken ? writer(real) : real).counters() }),
  })
  const other = await openPeer(daemon)
  await other.authenticate(await daemon.login('reader'))
  const peer = await openPeer(daemon)
  await peer.authenticate(await daemon.login('reader'))
  peer.request(7, 'server.status', {})
  const { error } = await peer.reply()
  t.match(error, { code: 'E_INTERNAL', detail: { incident: /^[0-9a-f]{16}$/ } })
  t.notMatch(JSON.stringify(error), /secret/)
  t.equal(await peer.next(), undefined, 'the session is closed')
  t.match(logged, [{ incident: error?.detail.incident, method: 'server.status', error: { message: /secret/ } }])
  broken = false
  other.request(8, 'server.status', {})
  t.match(await other.reply(), { id: 8, error: undefined })
})

t.test('an unknown method is an error, an unknown field is ignored, and so is an unknown notice', async t => {
  const daemon = await startDaemonInProcess(t)
  const bare = await readySession(daemon, await daemon.login('reader'))
  bare.request(1, 'job.teleport', { where: 'mars' })
  t.match(await bare.reply(), { id: 1, error: { code: 'E_UNKNOWN_METHOD', detail: { method: 'job.teleport' } } })
  bare.request(2, 'toString', {})
  t.match(await bare.reply(), { id: 2, error: { code: 'E_UNKNOWN_METHOD' } })
  bare.request(3, 'job.query', { limit: 1, newInVersion7: true })
  t.match(await bare.reply(), { id: 3, error: undefined, result: { jobs: [] } })
  bare.request(4, 'auth.start', {})
  t.match(await bare.reply(), { id: 4, error: { code: 'E_FORBIDDEN' } }, 'nobody authenticates twice')
  bare.session.close()
})

t.test('the writer hears of the end of a connection that it was told of, and of no other', async t => {
  const daemon = await startDaemonInProcess(t)
  const closed: number[] = []
  const { writer } = daemon.services
  const connectionClosed = async (connection: number): Promise<void> => {
    closed.push(connection)
    await writer.connectionClosed(connection)
  }
  const services = { ...daemon.services, writer: { ...writer, connectionClosed } }
  const login = await daemon.login('worker')
  const bare = await readySession({ ...daemon, services }, login)
  bare.request(3, 'server.status', {})
  await bare.reply()
  bare.session.close()
  t.strictSame(closed, [])

  const attached = await readySession({ ...daemon, services }, login)
  attached.request(3, 'worker.attach', ATTACH)
  t.equal((await attached.reply()).error, undefined)
  attached.session.close()
  t.equal(closed.length, 1)
})

t.test('each frame is given back once, when nothing of it is needed any more', async t => {
  const daemon = await startDaemonInProcess(t)
  await defineLarge(daemon)
  const bare = await readySession(daemon, await daemon.login('reader'))
  const frames = [
    encodeRequest(1, 'server.status', {}),
    encodeRequest(1, 'server.status', {}),
    encodeRequest(2, 'no.method', {}),
    encodeNotice('request.cancel', { request: 9 }),
  ]
  for (const frame of frames) bare.session.receive(frame)
  t.strictSame(bare.done, [frames[1], frames[3]], 'the refused one and the notice at once')
  for (let replies = 0; replies < 3; replies++) await bare.reply()
  await settle()
  t.equal(new Set(bare.done).size, frames.length)

  const large = Array.from({ length: 10 }, (_, id) => encodeRequest(id, 'action.list', { action: 'large' }))
  for (const frame of large) bare.session.receive(frame)
  await settle()
  t.ok(bare.done.length < frames.length + large.length, 'some wait for credit')
  bare.session.close()
  bare.session.receive(Buffer.from('late'))
  await settle()
  t.equal(bare.done.length, frames.length + large.length + 1)
  t.equal(new Set(bare.done).size, bare.done.length)
})
