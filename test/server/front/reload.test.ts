import t from 'tap'
import { type DaemonConfig, loadConfig } from '../../../lib/base/config.js'
import { recordLog } from '../../../lib/base/log.js'
import { reloadedConfig } from '../../../lib/server/front/reload.js'
import { createLogLevel, setLogLevel, sharedLogLevel } from '../../../lib/server/log-level.js'
import { startEchoFront, until } from './echo-front.js'

const current: DaemonConfig = loadConfig({ path: '/dev/null', environment: {} }).daemon

t.test('a reload takes over limits and log, and names what needs a restart', async t => {
  const read: DaemonConfig = { ...current, connectionsMax: 7, logLevel: 'debug', port: 1, threads: 'per-connection' }
  const { config, changes } = reloadedConfig(current, read)
  t.strictSame(config, { ...current, connectionsMax: 7, logLevel: 'debug' })
  t.strictSame(
    changes.map(({ name, at }) => `${name} ${at}`),
    ['port restart', 'threads restart', 'connections_max reload', 'log_level reload'],
  )
  t.strictSame(
    reloadedConfig(config, read).changes.map(({ name }) => name),
    ['port', 'threads'],
    'what needs a restart is said each time',
  )
  t.strictSame(reloadedConfig(current, { ...current }).changes, [])
})

t.test('new limits hold for connections that come after a reload', async t => {
  const { front, open } = await startEchoFront(t, { connectionsMax: 5 })
  await open()
  await until(() => front.connectionCount === 1)
  front.configure({ ...current, connectionsMax: 1 })
  const refused = await open()
  t.match(String(await refused.next()), /E_TOO_MANY/)
  front.configure({ ...current, connectionsMax: 2 })
  await open()
  await until(() => front.connectionCount === 2)
})

t.test('the level of the log changes for all threads at once', async t => {
  const memory = createLogLevel('warn')
  const lines: string[] = []
  const log = recordLog(sharedLogLevel(memory), ({ message }) => lines.push(message))
  log.debug('a')
  setLogLevel(memory, 'debug')
  log.debug('b')
  setLogLevel(memory, 'error')
  log.warn('c')
  t.strictSame(lines, ['b'])
})
