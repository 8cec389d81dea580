import t from 'tap'
import { HEADER_BYTES } from '../../../protocol/frame.js'
import { LIMITS } from '../../../protocol/limits.js'
import { decodeMessage } from '../../../protocol/message.js'
import { startEchoFront, until } from './echo-front.js'

const KIB = 1024

function header(bytes: number): Buffer {
  const prefix = Buffer.alloc(HEADER_BYTES)
  prefix.writeUInt32BE(bytes)
  return prefix
}

t.test('frames come back whole and in order, however they were cut', async t => {
  const { open } = await startEchoFront(t)
  const peer = await open()
  const bodies = ['first', '', 'x'.repeat(300), Buffer.alloc(200 * KIB, 7).toString('latin1'), 'last']
  const stream = Buffer.concat(bodies.map(body => Buffer.concat([header(body.length), Buffer.from(body, 'latin1')])))
  const cuts = [1, 3, 6, 11, 40, 5_000, 70_000, stream.length]
  let at = 0
  for (const cut of cuts) {
    await new Promise(resolve => peer.socket.write(stream.subarray(at, cut), resolve))
    at = cut
  }
  for (const body of bodies) t.ok((await peer.next())?.equals(Buffer.from(body, 'latin1')), `${body.length} bytes`)
})

t.test('before the session is ready exactly one frame is forwarded, and none before its verdict', async t => {
  const { open, threads } = await startEchoFront(t)
  const peer = await open()
  const [thread] = threads
  const verdicts: (() => void)[] = []
  const say = thread!.say.bind(thread)
  thread!.say = message => (message.verdicts?.length ? verdicts.push(() => say(message)) : say(message))
  for (const body of ['more', 'ready', 'a', 'b']) peer.send(body)
  const bodies = () => thread!.received.map(({ body }) => body)
  await until(() => verdicts.length === 1)
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(bodies(), ['more'])
  verdicts.shift()!()
  await until(() => verdicts.length === 1)
  t.strictSame(bodies(), ['more', 'ready'])
  verdicts.shift()!()
  await until(() => bodies().length === 4)
  t.strictSame(bodies(), ['more', 'ready', 'a', 'b'])
})

t.test('the small limit holds until the session is ready, the large one after it', async t => {
  const { open } = await startEchoFront(t)
  const early = await open()
  early.socket.write(header(LIMITS.frameBytesBeforeAuth.value + 1))
  t.match(decodeMessage((await early.next())!), { kind: 'reply', id: 0, error: { code: 'E_FRAME_TOO_LARGE' } })
  t.equal(await early.next(), undefined, 'and closed')

  const peer = await open()
  peer.send('hello')
  peer.send(Buffer.alloc(LIMITS.frameBytesBeforeAuth.value + 1))
  t.equal(String(await peer.next()), 'hello')
  t.equal((await peer.next())?.length, LIMITS.frameBytesBeforeAuth.value + 1)
  peer.socket.write(header(KIB * KIB + 1))
  t.match(decodeMessage((await peer.next())!), { error: { code: 'E_FRAME_TOO_LARGE' } })
})

t.test('a verdict of close sends what came before it', async t => {
  const { open } = await startEchoFront(t)
  const peer = await open()
  peer.send('close')
  peer.send('never looked at')
  t.equal(String(await peer.next()), 'close')
  t.equal(await peer.next(), undefined)
})

t.test('no more requests are in flight than the protocol lets', async t => {
  const { open, threads } = await startEchoFront(t)
  const peer = await open()
  peer.send('hello')
  await peer.next()
  const max = LIMITS.pipelinedMax.value
  for (let i = 0; i < 2 * max; i++) peer.send('park')
  const [thread] = threads
  const parked = () => thread!.received.filter(({ body }) => body === 'park').length
  await until(() => parked() === max)
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(parked(), max)
  const { connection } = thread!.received[0]!
  thread!.say({ handled: [[connection, 3]] })
  await until(() => parked() === max + 3)
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(parked(), max + 3)
})

t.test('what one connection holds back is its own: others read into the same memory', async t => {
  const { open, threads } = await startEchoFront(t)
  const [peer, other] = [await open(), await open()]
  for (const each of [peer, other]) {
    each.send('hello')
    await each.next()
  }
  const [thread] = threads
  const bodies = [...Array<string>(LIMITS.pipelinedMax.value).fill('park'), 'one', 'two', 'three']
  peer.socket.write(Buffer.concat(bodies.map(body => Buffer.concat([header(body.length), Buffer.from(body)]))))
  await until(() => thread!.received.length === 1 + LIMITS.pipelinedMax.value)
  other.send('x'.repeat(3_000))
  await other.next()
  thread!.say({ handled: [[thread!.received[0]!.connection, LIMITS.pipelinedMax.value]] })
  for (const body of ['one', 'two', 'three']) t.equal(String(await peer.next()), body)
})

t.test('credit comes back for what has left, and a reader that takes nothing is cut off', async t => {
  const { open, threads, clock, front, logged } = await startEchoFront(t, { stallTimeoutMs: 10_000 })
  const peer = await open()
  const [thread] = threads
  peer.send('reply 1000')
  t.equal((await peer.next())?.length, 1_000)
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(thread!.credits, 0, 'so little is not worth waking the thread for')
  peer.send('hello')
  await peer.next()
  t.equal(thread!.credits, 1_000, 'it came along with the next frame')
  peer.send('reply 100000')
  await peer.next()
  await until(() => thread!.credits === 101_005)

  peer.socket.pause()
  for (let i = 0; i < 40; i++) peer.send('reply 900000')
  await until(() => thread!.received.length === 43)
  await until(() => front.budget.usedBytes > 1_000_000)
  await clock.advance(9_000)
  t.equal(front.connectionCount, 1)
  await clock.advance(3_000)
  t.equal(front.connectionCount, 0)
  t.equal(front.budget.usedBytes, 0)
  t.match(logged.join('\n'), /it took no byte of its replies/)
  t.ok(thread!.credits < 40 * 900_000)
})

t.test('who does not authenticate in time is closed, who did is left alone', async t => {
  const { open, clock, front } = await startEchoFront(t)
  const ready = await open()
  ready.send('hello')
  await ready.next()
  const silent = await open()
  await until(() => front.connectionCount === 2)
  await clock.advance(LIMITS.handshakeMs.value - 600)
  t.equal(front.connectionCount, 2)
  await clock.advance(1_200)
  await silent.closed
  await clock.advance(3_600_000)
  ready.send('still here')
  t.equal(String(await ready.next()), 'still here')
})

t.test('a frame that does not end in time closes its connection, one that goes on is not late', async t => {
  const { open, clock, front } = await startEchoFront(t, { frameTimeoutMs: 10_000 })
  const peer = await open()
  peer.send('hello')
  await peer.next()
  peer.socket.write(header(100))
  await until(() => front.budget.usedBytes > 0)
  await clock.advance(9_000)
  peer.socket.write(Buffer.alloc(100))
  t.equal((await peer.next())?.length, 100)
  peer.socket.write(header(100))
  await until(() => front.budget.usedBytes > 0)
  await clock.advance(9_000)
  t.equal(front.connectionCount, 1, 'a new frame has its own time')
  await clock.advance(2_000)
  await peer.closed
})

t.test('frames in flight are given back to the budget when they are answered', async t => {
  const { open, front } = await startEchoFront(t)
  const peer = await open()
  peer.send('hello')
  await peer.next()
  for (let i = 0; i < 30; i++) peer.send(Buffer.alloc(100 * KIB, i))
  for (let i = 0; i < 30; i++) t.equal((await peer.next())?.at(-1), i)
  await until(() => front.budget.usedBytes === 0)
  peer.socket.end()
  await peer.closed
  await until(() => front.connectionCount === 0)
})

t.test('connections beyond the limit are refused with an error that can be read', async t => {
  const { open, front, metrics } = await startEchoFront(t, { connectionsMax: 1 })
  const first = await open()
  await until(() => front.connectionCount === 1)
  const second = await open()
  second.send('hello')
  t.match(decodeMessage((await second.next())!), { id: 0, error: { code: 'E_TOO_MANY', retry: true } })
  t.equal(await second.next(), undefined)
  first.socket.destroy()
  await until(() => front.connectionCount === 0)
  const third = await open()
  third.send('hello')
  t.equal(String(await third.next()), 'hello')
  t.equal(metrics.counted('connectionAccepted'), 2)
  t.equal(metrics.counted('connectionRefused'), 1)
})

t.test('one address cannot have all connections, another one still gets in', async t => {
  const { open, front } = await startEchoFront(t, { connectionsPerAddressMax: 1 })
  const first = await open()
  await until(() => front.connectionCount === 1)
  const second = await open()
  t.match(decodeMessage((await second.next())!), { error: { code: 'E_TOO_MANY', detail: { connectionsOfAddress: 1 } } })
  t.equal(await second.next(), undefined)
  const other = await open('127.0.0.2')
  other.send('hello')
  t.equal(String(await other.next()), 'hello')
  first.socket.destroy()
  await until(() => front.connectionCount === 1)
  const third = await open()
  third.send('hello')
  t.equal(String(await third.next()), 'hello')
})

t.test('a user with enough connections gets no other one, and another user does', async t => {
  const { open, front, metrics } = await startEchoFront(t, { connectionsPerUserMax: 2 })
  const login = async (user: string) => {
    const peer = await open()
    peer.send(user)
    return { peer, answer: await peer.next() }
  }
  const [first] = [await login('ada'), await login('ada')]
  const third = await login('ada')
  t.match(decodeMessage(third.answer!), { id: 0, error: { code: 'E_TOO_MANY', detail: { connectionsOfUser: 2 } } })
  t.equal(await third.peer.next(), undefined, 'and nothing of what its thread said')
  t.equal(metrics.counted('connectionRefused'), 1)
  t.equal(String((await login('bob')).answer), 'bob')
  const openCount = front.connectionCount
  first?.peer.socket.destroy()
  await until(() => front.connectionCount < openCount)
  t.equal(String((await login('ada')).answer), 'ada')
})

t.test('the connections of a thread that died count no longer', async t => {
  const { open, front, threads } = await startEchoFront(t, { threads: 1, connectionsPerUserMax: 1 })
  const first = await open()
  first.send('ada')
  t.equal(String(await first.next()), 'ada')
  threads.at(-1)!.end(new Error('killed by the test'))
  await until(() => front.connectionCount === 0)
  const second = await open()
  second.send('ada')
  t.equal(String(await second.next()), 'ada')
})
