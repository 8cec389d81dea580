import t from 'tap'
import type { Dial } from '../../lib/base/wire.js'
import { type Connecting, startConnecting } from '../../lib/client/connection.js'
import { startResilient } from '../../lib/client/resilient.js'
import { encodeFrame } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { encodeReply } from '../../protocol/message.js'
import { FakeClock } from '../helpers/clock.js'
import { startDaemonInProcess, type TestDaemon } from '../helpers/daemon.js'
import { readyDial, scriptedLogin, statusReply } from './scripted.js'

/** The same wire, with what comes in handed on by `hear`, and `onWrite` called for what goes out. */
const tapped =
  (dial: Dial, hear: () => (bytes: Buffer, handOn: (bytes: Buffer) => void) => void, onWrite = () => {}): Dial =>
  async address => {
    const wire = await dial(address)
    const take = hear()
    return {
      write(bytes) {
        onWrite()
        return wire.write(bytes)
      },
      pause: () => wire.pause(),
      resume: () => wire.resume(),
      end: () => wire.end(),
      destroy: () => wire.destroy(),
      listen: handlers => wire.listen({ ...handlers, onData: bytes => take(bytes, handlers.onData) }),
    }
  }

/** Counts how often the client waits for the daemon before it says more. */
function counting(dial: Dial): { dial: Dial; roundTrips(): number } {
  let said = ''
  const hear = () => (bytes: Buffer, handOn: (bytes: Buffer) => void) => {
    said += '<'
    handOn(bytes)
  }
  return {
    roundTrips: () => said.replace(/(.)\1+/g, '$1').split('<').length - 1,
    dial: tapped(dial, hear, () => {
      said += '>'
    }),
  }
}

async function tripsFor(daemon: TestDaemon, use: (connecting: Connecting) => Promise<unknown>): Promise<number> {
  const { dial, roundTrips } = counting(daemon.dial)
  const login = await daemon.login('admin')
  const connecting = startConnecting({ dial, login, address: daemon.address, clock: daemon.clock })
  await use(connecting)
  connecting.destroy()
  return roundTrips()
}

t.test('a small request without a secret rides along with the authentication: two round trips in all', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: 'a' as never, command: ['true'] })
  const order = { action: 'a' as never, key: 'key-of-the-test' }
  t.equal(await tripsFor(daemon, client => client.call('server.status', {})), 2)
  t.equal(await tripsFor(daemon, client => client.call('job.queue', order)), 2)
  t.equal(
    await tripsFor(daemon, async client => (await client.ready).call('server.status', {})),
    3,
    'as a request that is made later',
  )
})

t.test('what is secret, large, or not the first waits until the daemon has proven itself', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: 'a' as never, command: ['true'] })
  const order = { action: 'a' as never, key: 'key-of-the-test', parameters: [['TOKEN', 'x']] } as const
  t.equal(await tripsFor(daemon, client => client.call('job.queue', order)), 3)
  t.equal(await tripsFor(daemon, client => client.call('job.exec', { key: 'key-of-exec', command: ['true'] })), 3)
  const labels = Array.from({ length: 32 }, (_, n) => `label-${n}` as never)
  const attach = { worker: 'box' as never, instance: 'a'.repeat(32) as never, labels, slots: 1, version: '1' }
  t.equal(await tripsFor(daemon, client => client.call('worker.attach', attach)), 2)
  const jobs = Array.from({ length: 100 }, (_, n) => (2 ** 52 + n) as never)
  const asked = (client: Connecting) =>
    Promise.all([client.call('server.status', {}), client.call('job.query', { jobs }).catch(() => {})])
  t.equal(await tripsFor(daemon, asked), 3)
})

t.test('the reply to a request that rode along may be larger than what comes before the authentication', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const script = 'x'.repeat(2 * LIMITS.frameBytesBeforeAuth.value)
  await admin.call('action.add', { action: 'large' as never, script })
  await tripsFor(daemon, async client => {
    const { actions } = await client.call('action.list', { action: 'large' as never })
    t.equal(actions[0]?.script, script)
  })
  const login = await daemon.login('admin')
  const options = { dial: together(daemon.dial), login, address: daemon.address, clock: daemon.clock }
  const connecting = startConnecting(options)
  const { actions } = await connecting.call('action.list', { action: 'large' as never })
  t.equal(actions[0]?.script, script, 'also when it comes in one piece with the end of the authentication')
  connecting.destroy()
})

/** Hands out the second piece of what the daemon says together with the third. */
const together = (dial: Dial): Dial =>
  tapped(dial, () => {
    let pieces = 0
    let second: Buffer = Buffer.alloc(0)
    return (bytes, handOn) => {
      if (++pieces === 2) second = bytes
      else handOn(pieces === 3 ? Buffer.concat([second, bytes]) : bytes)
    }
  })

t.test('a reply is not believed before the daemon has proven itself', async t => {
  const dial = readyDial((message, far) => {
    if (message.kind === 'request') far.write(encodeFrame(encodeReply(message.id, statusReply)))
  })
  const wrong = { ...scriptedLogin, keys: { ...keysOf(scriptedLogin), serverKey: Buffer.alloc(32) } }
  const options = { dial, address: { host: 'memory', port: 1 }, clock: new FakeClock() }
  const connecting = startConnecting({ ...options, login: wrong })
  await t.rejects(connecting.call('server.status', {}), { code: 'E_AUTH' })
  const believed = startConnecting({ ...options, login: scriptedLogin })
  t.match(await believed.call('server.status', {}), { version: '1' })
  believed.destroy()
})

t.test('a resilient client that is asked at once rides along, and tries its first connection once', async t => {
  const daemon = await startDaemonInProcess(t)
  const { dial, roundTrips } = counting(daemon.dial)
  const { address, clock } = daemon
  const login = await daemon.login('admin')
  const client = startResilient({ dial, address, clock, login })
  t.match(await client.call('server.status', {}), { running: 0 })
  t.equal(roundTrips(), 2)
  t.ok(client.frameBytesMax >= LIMITS.frameBytesDefault.value)
  client.close()
  let dials = 0
  const failing: Dial = async () => {
    dials++
    throw new Error('no way')
  }
  const lost = startResilient({ dial: failing, address, clock, login })
  await t.rejects(lost.call('server.status', {}), { name: 'ConnectionLostError' })
  await t.rejects(lost.ready, { name: 'ConnectionLostError' })
  t.equal(dials, 1)
  lost.close()
})

const keysOf = (login: typeof scriptedLogin) => {
  if ('keys' in login) return login.keys
  throw new Error('a login with keys')
}
