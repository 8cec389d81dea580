import t from 'tap'
import { type DaemonProcess, startDaemon } from '../helpers/processes.js'
import { openRaw } from '../helpers/raw-connection.js'

const TOKEN = 'throw-in-this-thread'
const env = { JANKINS_TEST_THROW: TOKEN }

t.test('with a thread for each connection, one that dies costs only its own', async t => {
  const daemon = await startDaemon(t, { args: ['--threads', 'per-connection'], env })
  const others = await Promise.all([daemon.connect(), daemon.connect(), daemon.connect()])
  await crash(daemon)
  for (const other of others) t.match(await other.call('server.status', {}), { connections: 3 })
  t.ok(await daemon.said(/a connection thread died/))
  t.ok(await daemon.said(/thrown for a test/))
  const { threads } = await others[0]!.call('server.status', {})
  t.ok(threads.every(({ connections }) => connections <= 1))
})

t.test('with shared threads, one that dies costs only its connections, and another one is started', async t => {
  const daemon = await startDaemon(t, { args: ['--threads', '2'], env })
  const clients = [await daemon.connect(), await daemon.connect(), await daemon.connect(), await daemon.connect()]
  const before = await clients[0]!.call('server.status', {})
  t.strictSame(before.threads.map(({ connections }) => connections).sort(), [2, 2])
  const lost = clients.map(client => client.closed.then(() => 'lost'))
  await crash(daemon)
  const answers = await Promise.all(
    clients.map((client, at) =>
      Promise.race([
        client.call('server.status', {}).then(
          () => 'answered',
          () => 'lost',
        ),
        lost[at],
      ]),
    ),
  )
  t.strictSame(answers.sort(), ['answered', 'answered', 'lost', 'lost'])
  const fresh = [await daemon.connect(), await daemon.connect()]
  const { threads } = await fresh[0]!.call('server.status', {})
  t.strictSame(threads.map(({ connections }) => connections).sort(), [2, 2])
})

t.test('a thread that dies again and again never takes the daemon with it', async t => {
  const daemon = await startDaemon(t, { args: ['--threads', '1'], env })
  for (let round = 0; round < 5; round++) {
    const client = await daemon.connect()
    await crash(daemon)
    await client.closed
  }
  t.equal((await daemon.connect()).role, 'admin')
})

/** Opens a connection whose thread throws, and waits for its end. */
async function crash(daemon: DaemonProcess): Promise<void> {
  const raw = await openRaw(daemon.address)
  raw.start('admin', TOKEN)
  await raw.closed
}
