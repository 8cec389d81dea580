import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { makeCertificate } from '../../../lib/server/front/tls-certificate.js'
import { TlsDoor } from '../../../lib/server/front/tls-door.js'
import { loadTls } from '../../../lib/server/front/tls-material.js'
import type { Opened } from '../../../lib/server/ports.js'
import { serverEndPoint } from '../../../protocol/channel-binding.js'
import { encodeFrame, FrameDecoder } from '../../../protocol/frame.js'
import { LIMITS } from '../../../protocol/limits.js'
import { decodeMessage } from '../../../protocol/message.js'
import { type EchoFront, startEchoFront, until } from './echo-front.js'

const material = (t: Test) => loadTls({ certificate: 'auto', clients: undefined }, t.testdir(), 0)

function rawSocket(t: Test, { host, port }: EchoFront['address']): Socket {
  const socket = connect({ host, port }).on('error', () => {})
  t.teardown(() => socket.destroy())
  return socket
}

/** What the thread of the connection of this number is told, with its first frame. */
async function told(echo: EchoFront, connection: number): Promise<Opened['tls']> {
  const find = () => echo.threads.flatMap(thread => thread.openings).find(opened => opened.connection === connection)
  await until(() => find() !== undefined)
  return find()?.tls
}

/** The error frame that a peer hears when it speaks without TLS. */
async function heard(socket: Socket): Promise<unknown> {
  const decoder = new FrameDecoder(LIMITS.frameBytesBeforeAuth.value)
  for await (const bytes of socket) decoder.push(bytes)
  const body = decoder.next()
  return body && decodeMessage(body)
}

t.test('frames of all sizes go both ways, and many at once', async t => {
  const echo = await startEchoFront(t, { tls: material(t) })
  const peers = await Promise.all([echo.open(), echo.open(), echo.open()])
  for (const peer of peers) {
    peer.send('hello')
    t.equal(String(await peer.next()), 'hello')
  }
  const large = Buffer.alloc(900_000, 'x')
  for (const peer of peers) for (let count = 0; count < 5; count++) peer.send(large)
  for (const peer of peers) for (let count = 0; count < 5; count++) t.ok((await peer.next())?.equals(large))
  for (const peer of peers) peer.socket.end()
  await until(() => echo.front.connectionCount === 0)
  t.equal(echo.front.budget.usedBytes, 0)
})

t.test('who speaks without TLS is told so, and who speaks it to a plain port too', async t => {
  const encrypted = await startEchoFront(t, { tls: material(t) })
  const plain = rawSocket(t, encrypted.address)
  plain.write('\0\0\0\x05hello')
  t.match(await heard(plain), { kind: 'reply', id: 0, error: { code: 'E_TLS_REQUIRED' } })
  await until(() => encrypted.logged.length > 0)
  t.match(encrypted.logged, [/^closed a connection .*it does not speak TLS, and this port does/])

  const open = await startEchoFront(t)
  const secure = connectTls({ ...open.address, rejectUnauthorized: false })
  const [error] = (await once(secure, 'error')) as [NodeJS.ErrnoException]
  t.match(error.code, /WRONG_VERSION_NUMBER|PACKET_LENGTH/)
  await until(() => open.logged.length > 0)
  t.match(open.logged, [/^closed a connection .*it speaks TLS, and this port does not/])
})

t.test('a handshake that does not end is ended, wherever it stopped', async t => {
  const echo = await startEchoFront(t, { tls: material(t) })
  const silent = rawSocket(t, echo.address)
  const begun = rawSocket(t, echo.address)
  begun.write(Buffer.from('1603010200010001fc0303', 'hex'))
  await until(() => begun.bytesWritten > 0)
  const peer = await echo.open()
  const closed = Promise.all([silent, begun].map(socket => once(socket.resume(), 'close')))
  await echo.clock.advance(LIMITS.handshakeMs.value - 1_000)
  peer.send('ready')
  t.equal(String(await peer.next()), 'ready', 'others are served meanwhile')
  await echo.clock.advance(2_000)
  await closed
  t.equal(echo.logged.filter(line => /did not end its TLS handshake/.test(line)).length, 2)
  t.equal(echo.front.connectionCount, 1)
})

t.test('the time for handshake and authentication is one', async t => {
  const echo = await startEchoFront(t, { tls: material(t), threads: 1 })
  const late = rawSocket(t, echo.address)
  await once(late, 'connect')
  const early = await echo.open()
  await echo.clock.advance(LIMITS.handshakeMs.value - 1_000)
  const secure = connectTls({ socket: late, rejectUnauthorized: false }).on('error', () => {})
  await once(secure, 'secureConnect')
  await until(() => echo.front.connectionCount === 2)
  const closed = Promise.all([early.closed, once(secure.resume(), 'close')])
  await echo.clock.advance(2_000)
  await closed
  t.equal(echo.front.connectionCount, 0)
})

t.test('one connection too many is told so inside TLS', async t => {
  const echo = await startEchoFront(t, { tls: material(t), connectionsMax: 1 })
  const first = await echo.open()
  const second = await echo.open()
  t.match(decodeMessage((await second.next())!), { error: { code: 'E_TOO_MANY' } })
  await second.closed
  first.send('still here')
  t.equal(String(await first.next()), 'still here')
})

t.test('so many that are to be told so are not even heard', async t => {
  const echo = await startEchoFront(t, { tls: material(t), connectionsMax: 1 })
  const sockets = Array.from({ length: 258 }, () => rawSocket(t, echo.address))
  await Promise.race(sockets.map(socket => once(socket.resume(), 'close')))
  t.equal(echo.metrics.counted('connectionRefused'), 1)
})

t.test('a peer that never reads is not read from for ever', async t => {
  const echo = await startEchoFront(t, { tls: material(t), frameBytesMax: 64 * 1024, byteBudgetBytes: 4 * 1024 * 1024 })
  const peer = await echo.open()
  peer.send('ready')
  await peer.next()
  peer.socket.pause()
  let sentBytes = 0
  const piece = Buffer.alloc(32 * 1024, 'p')
  while (sentBytes < 64 * 1024 * 1024 && peer.socket.writableLength < 8 * 1024 * 1024) {
    peer.send(piece)
    sentBytes += piece.length
    await new Promise(resolve => setImmediate(resolve))
  }
  t.ok(peer.socket.writableLength >= 8 * 1024 * 1024, 'the rest stays with the sender')
  t.ok(echo.front.budget.usedBytes < 2 * 1024 * 1024, `main holds ${echo.front.budget.usedBytes} bytes`)
})

t.test('old versions of TLS and weak ciphers are refused', async t => {
  const echo = await startEchoFront(t, { tls: material(t) })
  const refused = [
    { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:AES128-SHA' },
  ] as const
  for (const options of refused) {
    const socket = connectTls({ ...echo.address, rejectUnauthorized: false, ...options })
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    t.match(error.code, /ERR_SSL/, options.ciphers)
  }
  const socket = connectTls({ ...echo.address, rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
  await once(socket, 'secureConnect')
  t.equal(socket.getProtocol(), 'TLSv1.2')
  t.match(socket.getCipher().standardName, /ECDHE.*GCM/)
  socket.destroy()
})

t.test('the thread is told what binds an authentication to this connection', async t => {
  const tls = material(t)
  const echo = await startEchoFront(t, { tls })
  const bindings = new Map<string, Buffer>()
  let count = 0
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = connectTls({ ...echo.address, rejectUnauthorized: false, maxVersion })
    await once(socket, 'secureConnect')
    socket.write(encodeFrame(Buffer.from('hello')))
    bindings.set(maxVersion, socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)))
    const facts = await told(echo, ++count)
    t.strictSame(facts?.bindings['tls-server-end-point'], serverEndPoint(socket.getPeerX509Certificate()!.raw))
    t.strictSame(facts?.bindings['tls-exporter'], maxVersion === 'TLSv1.3' ? bindings.get(maxVersion) : undefined)
    t.notOk(facts?.certificate)
    socket.destroy()
  }
})

t.test('a certificate of a client is told with its subject, and with its flaw when it is nobody’s', async t => {
  const good = makeCertificate(0)
  const bad = makeCertificate(0)
  const tls = { ...material(t), clientAuthorities: good.certificate }
  const echo = await startEchoFront(t, { tls })
  let count = 0
  const shown = async (identity?: { key: string; certificate: string }) => {
    const own = identity && { key: identity.key, cert: identity.certificate }
    const socket = connectTls({ ...echo.address, rejectUnauthorized: false, ...own })
    await once(socket, 'secureConnect')
    socket.write(encodeFrame(Buffer.from('hello')))
    const facts = await told(echo, ++count)
    socket.destroy()
    return facts?.certificate
  }
  t.strictSame(await shown(good), { subject: 'CN=jankinsd' })
  t.match(await shown(bad), { subject: 'CN=jankinsd', flaw: /SIGNED|VERIFY|SIGNATURE/ })
  t.equal(await shown(), undefined)
})

t.test('a connection that was reset before it was accepted leaves nothing behind', async t => {
  const door = new TlsDoor(await material(t), { onChannel: () => t.fail(), onFailed: () => {} })
  t.teardown(() => door.destroy())
  for (const gone of [new Socket(), new Socket()]) {
    door.admit(gone, 0)
    t.equal(gone.destroyed, true)
  }
  t.equal(door.pending.total, 0)
})
