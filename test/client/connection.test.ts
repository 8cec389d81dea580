import { setMaxListeners } from 'node:events'
import { encode } from '@msgpack/msgpack'
import t from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import type { Dial, Wire } from '../../lib/base/wire.js'
import { ConnectionLostError, connect } from '../../lib/client/connection.js'
import { JankinsError } from '../../protocol/errors.js'
import { encodeFrame } from '../../protocol/frame.js'
import type { ClaimId, InstanceId, JobId, Name } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { encodeErrorReply, encodeNotice, encodeReply } from '../../protocol/message.js'
import { deriveKeys } from '../../protocol/scram.js'
import { FakeClock, settle } from '../helpers/clock.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import { memoryPair } from '../helpers/memory-net.js'
import { readyDial, scriptedDial, scriptedLogin, statusReply } from './scripted.js'

const address = { host: 'memory', port: 1 }
const user = 'ada' as Name

const login = { user, password: 'x' }

t.test('a password and derived keys both open a session', async t => {
  const daemon = await startDaemonInProcess(t)
  const keys = await daemon.login('admin')
  let learned: unknown
  const { dial, clock } = daemon
  const byPassword = await connect({
    ...{ dial, clock, address, login: { user: keys.user, password: `password of ${keys.user}` } },
    onKeys: made => {
      learned = made
    },
  })
  t.equal(byPassword.role, 'admin')
  t.equal(byPassword.frameBytesMax, LIMITS.frameBytesDefault.value)
  t.equal(byPassword.clockOffsetMs, 0)
  t.strictSame(learned, { salt: Buffer.from(keys.salt), iterations: keys.iterations, keys: keys.keys })
  const byKeys = await connect({ dial, clock, address, login: keys })
  t.match(await byKeys.call('server.status', {}), { pending: 0 })
  byKeys.close()
  byPassword.destroy()
  t.equal(await byKeys.closed, undefined)
  await t.rejects(byKeys.call('server.status', {}), { name: 'ConnectionLostError' })
})

t.test('a wrong password, an unknown account and keys of an older password are E_AUTH', async t => {
  const daemon = await startDaemonInProcess(t)
  const { dial, clock } = daemon
  const known = await daemon.login('user')
  const salt = Buffer.alloc(16, 1)
  const attempts = [
    { user: known.user, password: 'wrong' },
    { user: 'nobody' as Name, password: 'wrong' },
    { ...known, salt },
    { ...known, iterations: known.iterations + 1 },
    { ...known, keys: await deriveKeys('other', known.salt, known.iterations) },
  ]
  for (const attempt of attempts)
    await t.rejects(connect({ dial, clock, address, login: attempt }), { name: 'JankinsError', code: 'E_AUTH' })
})

t.test('a daemon that cannot prove that it knows the keys is not believed', async t => {
  const daemon = await startDaemonInProcess(t)
  const known = await daemon.login('user')
  const keys = { ...known.keys, serverKey: new Uint8Array(32) }
  const { dial, clock } = daemon
  await t.rejects(connect({ dial, clock, address, login: { ...known, keys } }), { code: 'E_AUTH' })
})

t.test('replies find their requests, however many are under way', async t => {
  const daemon = await startDaemonInProcess(t)
  const client = await daemon.client('admin')
  const names = Array.from({ length: 200 }, (_, index) => `action-${index}` as Name)
  const made = await Promise.all(names.map(action => client.call('action.add', { action, command: [action] })))
  t.equal(made.filter(({ changed }) => changed).length, 200)
  const found = await Promise.all(names.map(action => client.call('action.list', { action })))
  t.strictSame(
    found.map(({ actions }) => actions[0]?.command?.[0]),
    names,
  )
})

t.test('an error of the daemon is its code and its facts', async t => {
  const daemon = await startDaemonInProcess(t)
  const client = await daemon.client('user')
  const params = { job: 77 as JobId }
  await t.rejects(client.call('job.stop', params), { name: 'JankinsError', code: 'E_JOB_NOT_FOUND' })
  t.match(await client.call('server.status', {}), { running: 0 }, 'and the connection goes on')
})

t.test('a parked request is cancelled and still answered', async t => {
  const daemon = await startDaemonInProcess(t)
  const client = await daemon.client('worker')
  const hex = 'a'.repeat(32)
  const attach = { worker: 'w' as Name, instance: hex as InstanceId, labels: [], slots: 1, version: '1' }
  await client.call('worker.attach', attach)
  const cancel = new AbortController()
  const claim = client.call('job.claim', { claim: hex as ClaimId, waitMs: 60_000 }, { cancel: cancel.signal })
  await settle()
  cancel.abort()
  const answer = await claim.catch((error: unknown) => error)
  t.match(answer instanceof JankinsError ? answer.code : answer, answer instanceof JankinsError ? 'E_CANCELLED' : {})
  t.equal((await daemon.writer.counters()).claimsParked, 0)
  const early = client.call('server.status', {}, { cancel: AbortSignal.abort() })
  await t.rejects(early, { code: 'E_CANCELLED' })
})

t.test('what waits for a turn is cancelled without being sent, and what is parked stays within the limit', async t => {
  const clock = new FakeClock()
  const asked: number[] = []
  const dial = readyDial((message, far) => {
    if (message.kind === 'request') asked.push(message.id)
    if (message.kind === 'notice') far.write(encodeFrame(encodeReply(asked[0] as number, statusReply)))
  })
  const client = await connect({ dial, address, clock, login: scriptedLogin })
  const first = new AbortController()
  const last = new AbortController()
  setMaxListeners(LIMITS.pipelinedMax.value, last.signal)
  const calls = Array.from({ length: LIMITS.pipelinedMax.value }, (_, index) =>
    client.call('server.status', {}, { cancel: index === 0 ? first.signal : last.signal }),
  )
  for (const call of calls) call.catch(() => {})
  await settle()
  t.equal(asked.length, LIMITS.pipelinedMax.value - 1, 'one less than the daemon takes up')
  last.abort()
  await t.rejects(calls.at(-1) as Promise<unknown>, { code: 'E_CANCELLED' })
  first.abort()
  t.match(await calls[0], { version: '1' })
  client.destroy()
  await t.rejects(calls[1] as Promise<unknown>, ConnectionLostError)
})

t.test('a connection that breaks rejects every call with its cause', async t => {
  const daemon = await startDaemonInProcess(t)
  let wire: Wire | undefined
  const dial: Dial = async to => {
    wire = await daemon.dial(to)
    return wire
  }
  const client = await connect({ dial, address, clock: daemon.clock, login: await daemon.login('user') })
  const call = client.call('server.status', {})
  wire?.destroy()
  await t.rejects(call, ConnectionLostError)
})

t.test('nonsense from the other side ends the connection with the reason', async t => {
  const refuse = scriptedDial((_message, far) =>
    far.write(encodeFrame(encodeErrorReply(0, new JankinsError('E_TOO_MANY', { connections: 9 })))),
  )
  await t.rejects(connect({ dial: refuse, address, login, clock: systemClock }), { code: 'E_TOO_MANY' })
  const cases: [what: string, bytes: Uint8Array, code: string][] = [
    ['bytes that are no message', encodeFrame(Buffer.from('c1', 'hex')), 'E_BAD_FRAME'],
    ['a frame that is too large', Buffer.from('7fffffff', 'hex'), 'E_FRAME_TOO_LARGE'],
    ['a reply to nothing', encodeFrame(encodeReply(4_000, {})), 'E_BAD_FRAME'],
    ['a result that does not fit', encodeFrame(encodeReply(2, { data: 'text' })), 'E_BAD_FRAME'],
    ['a request', encodeFrame(Buffer.from('9400a17880c0', 'hex')), 'E_BAD_FRAME'],
  ]
  for (const [what, bytes, code] of cases) {
    const dial = scriptedDial((_message, far) => far.write(bytes))
    await t.rejects(connect({ dial, address, login, clock: systemClock }), { code }, what)
  }
})

t.test('a word that a newer daemon says for a state reaches the caller', async t => {
  const clock = new FakeClock()
  const dial = readyDial((message, far) => {
    if (message.kind === 'request')
      far.write(encodeFrame(encodeReply(message.id, { state: 'PAUSED', requested: true })))
  })
  const client = await connect({ dial, address, clock, login: scriptedLogin })
  t.equal(String((await client.call('job.stop', { job: 1 as JobId })).state), 'PAUSED')
  client.destroy()
})

t.test('what a newer daemon adds is passed over: notices, and codes that are unknown here', async t => {
  const clock = new FakeClock()
  const unknown = [1, 2, { code: 'E_FROM_THE_FUTURE', message: 'hm', detail: { n: 1 }, retry: false }, null]
  const dial = readyDial((message, far) => {
    if (message.kind !== 'request') return
    far.write(encodeFrame(encodeNotice('news.of.tomorrow', {})))
    far.write(encodeFrame(encode([1, message.id, unknown[2], null])))
  })
  const client = await connect({ dial, address, clock, login: scriptedLogin })
  const facts = { code: 'E_FROM_THE_FUTURE', message: 'hm', n: 1 }
  await t.rejects(client.call('server.status', {}), { code: 'E_INTERNAL', detail: facts })
  client.destroy()
})

t.test('a daemon that stays silent, or cannot be reached, is given up', async t => {
  const clock = new FakeClock()
  const silent = connect({ dial: scriptedDial(() => {}), address, clock, login, timeoutMs: 3_000 })
  const rejected = t.rejects(silent, { name: 'ConnectionLostError', message: 'memory:1 did not answer within 3000 ms' })
  await clock.advance(3_000)
  await rejected
  const refused: Dial = () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
  const error = { name: 'ConnectionLostError', cause: { code: 'ECONNREFUSED' } }
  await t.rejects(connect({ dial: refused, address, clock, login }), error)
  let late: (wire: Wire) => void = () => {}
  const slow = connect({ address, clock, login, dial: () => new Promise(resolve => (late = resolve)) })
  const slowRejected = t.rejects(slow, ConnectionLostError)
  await clock.advance(10_000)
  await slowRejected
  const [near, far] = memoryPair()
  const closed = new Promise<void>(resolve => far.listen({ onData() {}, onClose: () => resolve() }))
  late(near)
  await closed
  t.equal(clock.pendingCount, 0)
})

t.test('a request that the daemon would refuse unread is refused here, and the next one goes', async t => {
  const daemon = await startDaemonInProcess(t, { frameBytesMax: LIMITS.frameBytesMin.value })
  const client = await daemon.client('admin')
  const script = 'x'.repeat(LIMITS.commandBytesMax.value)
  await t.rejects(client.call('action.add', { action: 'a' as Name, script }), { code: 'E_FRAME_TOO_LARGE' })
  t.match(await client.call('server.status', {}), { pending: 0 })
})
