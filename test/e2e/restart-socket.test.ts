import { once } from 'node:events'
import t from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import type { Login } from '../../lib/client/authenticate.js'
import { startResilient } from '../../lib/client/resilient.js'
import { dialTcp } from '../../lib/client/tcp.js'
import { LIMITS } from '../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../protocol/scram.js'
import { python } from '../helpers/notify.js'
import { cli, startDaemon } from '../helpers/processes.js'
import { nameOf } from '../helpers/worker-bench.js'

/** What a one-shot command does on the wire, without the start of a process for each. */
const COMMANDS = 1_000
const AT_ONCE = 50
/** Whole commands beside them. */
const PROCESSES = 12
const RESTARTS_AT = [250, 500, 750]

t.test('with socket activation a restart refuses no command and loses none', async t => {
  const daemon = await startDaemon(t, { by: python('hold-socket.py') })
  const admin = await daemon.connect()
  const salt = Buffer.alloc(16, 'commands')
  const iterations = LIMITS.scramIterationsMin.value
  const keys = await deriveKeys('password of the commands', salt, iterations)
  await admin.call('user.add', { user: nameOf('script'), role: 'user', ...credentialOf(keys, salt, iterations) })
  await admin.call('action.add', { action: nameOf('noop'), command: ['true'] })
  const login: Login = { user: nameOf('script'), salt, iterations, keys }

  let ended = 0
  let begun = 0
  const restarts: Promise<unknown>[] = []
  const failed: string[] = []
  async function command(index: number): Promise<void> {
    const client = startResilient({ dial: dialTcp, address: daemon.address, login, clock: systemClock })
    try {
      await client.call('job.queue', { action: nameOf('noop'), key: `command ${index}` })
    } catch (error) {
      failed.push(`${index}: ${error}`)
    } finally {
      client.close()
    }
    if (!RESTARTS_AT.includes(++ended)) return
    restarts.push(once(daemon.child.stdout!, 'data', { signal: AbortSignal.timeout(60_000) }))
    daemon.child.kill('SIGUSR1')
  }
  const line = async (): Promise<void> => {
    while (begun < COMMANDS) await command(begun++)
  }
  const real = Array.from({ length: PROCESSES }, () => cli(t, ['queue', 'noop'], { env: daemon.env }))
  await Promise.all(Array.from({ length: AT_ONCE }, line))
  const processes = await Promise.all(real)
  await Promise.all(restarts)

  t.strictSame(failed, [], 'none was refused')
  t.strictSame(
    processes.filter(({ code }) => code !== 0).map(({ stderr }) => stderr),
    [],
    'no process either',
  )
  t.equal(restarts.length, RESTARTS_AT.length)
  const { pending } = await (await daemon.connect()).call('server.status', {})
  t.equal(pending, COMMANDS + PROCESSES, 'each made its job once')
  const end = await daemon.stop()
  t.equal(end.code, 0)
  t.equal(String(end.stdout).match(/^ended with 0$/gm)?.length, RESTARTS_AT.length + 1, 'each start ended in order')
})
