import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { recordLog } from '../../../lib/base/log.js'
import { serveMetrics } from '../../../lib/server/front/metrics-server.js'

const LOOPBACK = { host: '127.0.0.1', port: 0 }

async function startServer(t: Test, render: () => Promise<string> = async () => 'a 1\n') {
  const logged: string[] = []
  const log = recordLog('debug', ({ message }) => logged.push(message))
  const server = await serveMetrics({ address: LOOPBACK, allowRemote: false, log, render })
  t.teardown(() => server.close())
  const { port } = new URL(server.url)
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(port), LOOPBACK.host)
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  return { url: server.url, open, logged }
}

/** All that comes until the other side closes. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1').on('data', chunk => {
    text += chunk
  })
  await new Promise(resolve => socket.on('close', resolve))
  return text
}

t.test('there is one page, to be read and nothing else', async t => {
  const { url } = await startServer(t)
  const page = await fetch(`${url}?x=1`)
  t.equal(page.status, 200)
  t.equal(page.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(await page.text(), 'a 1\n')
  const head = await fetch(url, { method: 'HEAD' })
  t.strictSame([head.status, await head.text()], [200, ''])
  for (const path of ['/', '/metrics/', '/metric', '/../metrics/x', '/metrics%00'])
    t.equal((await fetch(new URL(path, url))).status, 404, path)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const refused = await fetch(url, { method })
    t.strictSame([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD'], method)
  }
})

t.test('who asks while the page is being made gets the same one', async t => {
  let made = 0
  let finish: () => void = () => {}
  const { open } = await startServer(t, async () => {
    made++
    await new Promise<void>(resolve => {
      finish = resolve
    })
    return `a ${made}\n`
  })
  const sockets = await Promise.all([open(), open(), open()])
  const asked = sockets.map(untilClosed)
  for (const socket of sockets) socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  // Behind what the others sent, on this machine: all of them have been heard.
  const last = await open()
  last.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await untilClosed(last)
  finish()
  for (const text of await Promise.all(asked)) t.match(text, /\r\n\r\n(4\r\n)?a 1\n/)
})

t.test('a page that cannot be made is an error of the daemon, and the next one is made anew', async t => {
  let isBroken = true
  const { url, logged } = await startServer(t, async () => {
    if (isBroken) throw new Error('on purpose')
    return 'a 1\n'
  })
  t.equal((await fetch(url)).status, 500)
  t.strictSame(logged, ['the metrics could not be told'])
  isBroken = false
  t.equal((await fetch(url)).status, 200)
})

t.test('who sends too much is cut off', async t => {
  const { open } = await startServer(t)
  for (const [request, answer] of [
    [`GET /metrics HTTP/1.1\r\nx: ${'a'.repeat(9_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc', /^HTTP\/1\.1 405 /],
    ['no HTTP\r\n\r\n', /^HTTP\/1\.1 400 /],
  ] as const) {
    const socket = await open()
    socket.write(request)
    t.match(await untilClosed(socket), answer)
  }
})

t.test('who says nothing or half of a request is cut off, and more than a few are not let in', async t => {
  const { url, open } = await startServer(t)
  const silent = await Promise.all(Array.from({ length: 16 }, open))
  const ends = silent.map(untilClosed)
  silent[0]?.write('GET /metrics HTTP/1.1\r\nhost: x\r\n')
  const late = await open()
  late.write('GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  t.equal(await untilClosed(late), '', 'a connection too many')
  await Promise.all(ends)
  t.equal((await fetch(url)).status, 200, 'room again')
})

t.test('beyond loopback it must be asked for in so many words', async t => {
  const log = recordLog('debug', () => {})
  const render = async () => ''
  const address = { host: '0.0.0.0', port: 0 }
  await t.rejects(serveMetrics({ address, allowRemote: false, log, render }), {
    name: 'StartError',
    message: /^metrics on 0\.0\.0\.0 can be read by everybody .*metrics_allow_remote = true/,
    exitCode: 2,
  })
  const server = await serveMetrics({ address, allowRemote: true, log, render })
  t.match(server.url, /^http:\/\/0\.0\.0\.0:\d+\/metrics$/)
  server.close()
})
