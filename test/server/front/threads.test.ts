import t from 'tap'
import { startEchoFront, until } from './echo-front.js'

t.test('each connection gets a thread of its own while there are free ones, then the one with the fewest', async t => {
  const { open, counts, threads, front } = await startEchoFront(t, { threads: 3 })
  t.strictSame(counts(), [0], 'one is warm')
  const peers = []
  const seen = []
  for (let i = 1; i <= 7; i++) {
    peers.push(await open())
    await until(() => front.connectionCount === i)
    seen.push(counts())
  }
  t.strictSame(seen, [
    [1, 0],
    [1, 1, 0],
    [1, 1, 1],
    [2, 1, 1],
    [2, 2, 1],
    [2, 2, 2],
    [3, 2, 2],
  ])
  t.equal(threads.length, 3)
  peers[1]!.socket.destroy()
  peers[4]!.socket.destroy()
  await until(() => front.connectionCount === 5)
  await open()
  await until(() => front.connectionCount === 6)
  t.strictSame(counts(), [3, 1, 2])
})

t.test('idle threads end, all but one', async t => {
  const { open, counts, front, clock, threads } = await startEchoFront(t, { threads: 3 })
  const peers = [await open(), await open(), await open()]
  for (const peer of peers) {
    peer.send('hello')
    await peer.next()
  }
  await clock.advance(60_000)
  t.strictSame(counts(), [1, 1, 1], 'busy ones stay')
  for (const peer of peers) peer.socket.destroy()
  await until(() => front.connectionCount === 0)
  await clock.advance(29_000)
  t.strictSame(counts(), [0, 0, 0])
  await clock.advance(2_000)
  await until(() => counts().length === 1)
  t.equal(threads.filter(({ isTerminated }) => !isTerminated).length, 1)
})

t.test('with a thread for each connection, none is shared and each ends with its connection', async t => {
  const { open, counts, threads, front } = await startEchoFront(t, { threads: 'per-connection' })
  const peers = [await open(), await open(), await open()]
  await until(() => front.connectionCount === 3)
  t.strictSame(counts(), [1, 1, 1, 0], 'and one is warm')
  peers[1]!.socket.destroy()
  await until(() => threads[1]!.isTerminated)
  t.strictSame(threads[1]!.closed, threads[1]!.opened)
  const next = await open()
  next.send('hello')
  t.equal(String(await next.next()), 'hello')
  t.ok(threads.every(({ opened }) => opened.length <= 1))
})

t.test('a thread that dies takes its connections along and no other', async t => {
  const { open, threads, front, counts, logged } = await startEchoFront(t, { threads: 2 })
  const peers = [await open(), await open(), await open(), await open()]
  await until(() => front.connectionCount === 4)
  threads[0]!.end(new Error('a bug'))
  await Promise.all([peers[0]!.closed, peers[2]!.closed])
  t.strictSame(counts(), [0, 2], 'another one is started')
  for (const peer of [peers[1]!, peers[3]!]) {
    peer.send('hello')
    t.equal(String(await peer.next()), 'hello')
  }
  t.match(logged.join('\n'), /a connection thread died {"thread":0,"connections":2}/)
})

t.test('a thread that does not end when it should is ended', async t => {
  const { open, threads, clock, front } = await startEchoFront(t, { threads: 'per-connection' })
  const peer = await open()
  await until(() => front.connectionCount === 1)
  const [stuck] = threads
  stuck!.post = () => {}
  peer.socket.destroy()
  await until(() => front.connectionCount === 0)
  await clock.advance(4_000)
  t.equal(stuck!.isTerminated, false)
  await clock.advance(2_000)
  t.equal(stuck!.isTerminated, true)
})

t.test('a drain waits for every thread', async t => {
  const { open, threads, pool, front } = await startEchoFront(t, { threads: 2 })
  const peers = [await open(), await open()]
  await until(() => front.connectionCount === 2)
  const drained = pool.drain()
  await drained
  const closing = front.closeAll()
  for (const peer of peers) t.equal(await peer.next(), undefined, 'closed in order')
  await closing
  await pool.end()
  t.ok(threads.every(({ isTerminated }) => isTerminated))
})

t.test('threads that end when they are drained are no loss', async t => {
  const { pool, threads, logged } = await startEchoFront(t, { threads: 3 })
  await pool.drain()
  await until(() => threads.every(({ isTerminated }) => isTerminated))
  t.strictSame(logged, [])
})

t.test('a thread hears of a connection with its first frame, and of its end only when it knew it', async t => {
  const { open, threads, front } = await startEchoFront(t, { threads: 1 })
  const silent = await open()
  await until(() => front.connectionCount === 1)
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  t.strictSame(threads[0]!.opened, [])
  const peer = await open()
  peer.send('hello')
  await peer.next()
  t.strictSame(threads[0]!.opened.length, 2, 'both, now that there is something to do')
  const late = await open()
  await until(() => front.connectionCount === 3)
  late.socket.destroy()
  silent.socket.destroy()
  await until(() => front.connectionCount === 1)
  await until(() => threads[0]!.closed.length > 0)
  t.equal(threads[0]!.opened.length, 2)
  t.equal(threads[0]!.closed.length, 1)
})
