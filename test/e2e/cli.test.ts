import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import t from 'tap'
import { scriptOf } from '../../lib/base/load-compiled.js'
import { dumpDatabase } from '../helpers/dump.js'
import { cli, commandOf, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'

const BIN = resolve(process.env.JANKINS_DIST ?? 'dist', 'bin')

t.test('a login is made by a password file, kept with mode 0600, and used by later programs', async t => {
  const daemon = await startDaemon(t)
  const home = temporaryDirectory(t)
  const passwordFile = join(home, 'password')
  writeFileSync(passwordFile, `${daemon.password}\n`)
  const env = { XDG_CONFIG_HOME: home, JANKINS_SERVER: daemon.env.JANKINS_SERVER, JANKINS_PASSWORD: '' }
  const login = await cli(t, ['login', 'admin'], { env: { ...env, JANKINS_PASSWORD_FILE: passwordFile } })
  t.match(login, { code: 0, stderr: '' })
  t.equal(login.stdout.toString(), `logged in at ${daemon.env.JANKINS_SERVER} as admin, role admin\n`)
  const file = join(home, 'jankins', 'credentials.json')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.notMatch(readFileSync(file, 'utf8'), daemon.password)
  t.match(await cli(t, ['status'], { env }), { code: 0, stderr: '' })
  const newPassword = await cli(t, ['passwd', '--password-file', '-'], { env, input: 'hush\n' })
  t.match(newPassword, { code: 0, stderr: '' })
  t.match(await cli(t, ['status'], { env }), { code: 0, stderr: '' }, 'the login that is kept has the new keys')
  t.match(await cli(t, ['status'], { env: { ...env, JANKINS_USER: 'admin', JANKINS_PASSWORD: 'hush' } }), { code: 0 })
})

t.test('each kind of failure has its exit status and one line on stderr', async t => {
  const daemon = await startDaemon(t)
  const { env } = daemon
  const cases: [argv: string[], env: Record<string, string>, code: number, stderr: RegExp][] = [
    [['queue', 'none'], env, 1, /E_ACTION_NOT_FOUND/],
    [['log', '99'], env, 1, /E_JOB_NOT_FOUND/],
    [['query', '--state', 'LOST'], env, 2, /--state must be one of/],
    [['nonsense'], env, 2, /no command/],
    [['status'], { ...env, JANKINS_PASSWORD: 'wrong' }, 3, /E_AUTH/],
    [['status'], { ...env, JANKINS_PASSWORD: '', XDG_CONFIG_HOME: temporaryDirectory(t) }, 3, /run jankins login/],
    [['status', '--server', '127.0.0.1:1'], env, 3, /nothing listens there/],
    [['login', 'admin'], { ...env, JANKINS_PASSWORD: '' }, 2, /no terminal/],
  ]
  for (const [argv, environment, code, stderr] of cases) {
    const ended = await cli(t, argv, { env: environment })
    t.equal(ended.code, code, argv.join(' '))
    t.match(ended.stderr, stderr)
    t.match(ended.stderr, /^jankins: [^\n]+\n$/)
    t.equal(ended.stdout.length, 0)
  }
  const debug = await cli(t, ['status'], { env: { ...env, JANKINS_PASSWORD: 'wrong', JANKINS_DEBUG: '1' } })
  t.match(debug.stderr, /^jankins: [^\n]+\nJankinsError: E_AUTH[^\n]*\n {4}at /)
})

t.test('bad input is told in one line with its own code, and changes nothing in the database', async t => {
  const daemon = await startDaemon(t)
  const { env } = daemon
  for (const action of ['on', 'off']) await cli(t, ['add-action', action, '--', 'true'], { env })
  t.match(await cli(t, ['queue', 'on'], { env }), { code: 0, stderr: '' })
  t.match(await cli(t, ['disable', 'off'], { env }), { code: 0, stderr: '' })
  const before = dumpDatabase(daemon.dataDir)
  const wrong = { ...env, JANKINS_PASSWORD: 'wrong' }
  const cases: [argv: string[], env: Record<string, string>, code: number, stderr: RegExp][] = [
    [['queue', 'none'], env, 1, /E_ACTION_NOT_FOUND/],
    [['queue', 'off'], env, 1, /E_ACTION_DISABLED/],
    [['queue', 'on', '-p', '1A=x'], env, 2, /E_BAD_REQUEST/],
    [['queue', 'on', '-pA'], env, 2, /--param must be KEY=VALUE/],
    [['queue', 'on', '--priority', '5000'], env, 2, /--priority must be/],
    [['queue', 'on'], wrong, 3, /E_AUTH/],
    [['stop', '99'], env, 1, /E_JOB_NOT_FOUND/],
    [['retry', '99'], env, 1, /E_JOB_NOT_FOUND/],
    [['log', '99'], env, 1, /E_JOB_NOT_FOUND/],
    [['fetch', '99'], env, 1, /E_JOB_NOT_FOUND/],
    [['query', '--state', 'SLEEPING'], env, 2, /--state must be one of/],
  ]
  for (const [argv, environment, code, stderr] of cases) {
    const ended = await cli(t, argv, { env: environment })
    t.match(ended, { code, stderr }, argv.join(' '))
    t.match(ended.stderr, /^jankins: [^\n]+\n$/)
    t.equal(ended.stdout.length, 0)
  }
  const client = await daemon.connect()
  await t.rejects(client.call('job.query', { state: 'SLEEPING' as never }), { code: 'E_BAD_REQUEST' })
  t.equal(dumpDatabase(daemon.dataDir), before)
})

t.test('a reader that goes away ends a long output without a word', async t => {
  const daemon = await startDaemon(t)
  const { env } = daemon
  await cli(t, ['add-action', 'a', '--', 'true'], { env })
  await cli(t, ['queue', 'a', '--count', '1000'], { env })
  const { child, ended } = startCli(t, ['query', '--all', '--json'], { env })
  await once(child.stdout as Readable, 'data')
  child.stdout?.destroy()
  t.match(await ended, { code: 0, stderr: '' })
})

t.test('a reader that goes away is not told that a job went well', async t => {
  const daemon = await startDaemon(t)
  const { env } = daemon
  await cli(t, ['add-action', 'a', '--', 'sh', '-c', 'seq 1 1000000; exit 3'], { env })
  startCli(t, ['work', '--name', 'box', '--dir', join(temporaryDirectory(t), 'state')], { env })
  await cli(t, ['queue', 'a'], { env })
  for (const argv of [
    ['run', 'a'],
    ['log', '1', '--follow'],
    ['stop', '1', '--wait'],
  ]) {
    const { child, ended } = startCli(t, argv, { env })
    await once(child.stdout as Readable, 'data')
    child.stdout?.destroy()
    t.match(await ended, { code: 141, stderr: '' }, argv.join(' '))
  }
})

const script = '/usr/bin/script'
t.test(
  'a password that is typed is not shown, however fast it is typed',
  { skip: existsSync(script) ? false : `${script} of util-linux is missing: nothing stands in for a terminal` },
  async t => {
    const daemon = await startDaemon(t)
    const env = { ...process.env, JANKINS_SERVER: daemon.env.JANKINS_SERVER, XDG_CONFIG_HOME: temporaryDirectory(t) }
    const terminal = spawn(script, ['-qec', `${commandOf('jankins').join(' ')} login admin`, '/dev/null'], { env })
    let shown = ''
    let isAnswered: boolean = false
    terminal.stdout.on('data', (chunk: Buffer) => {
      shown += chunk
      if (isAnswered || !shown.includes(`${daemon.env.JANKINS_SERVER}: `)) return
      isAnswered = true
      terminal.stdin.write(`${daemon.password}\r`)
    })
    await once(terminal, 'close')
    t.match(shown, /^password of admin at [^\r]*: \r\nlogged in at [^\r]* as admin, role admin\r\n$/)
    t.notMatch(shown, daemon.password)
  },
)

t.test('queue loads nothing but the command itself: what other commands need is loaded by them', async t => {
  const daemon = await startDaemon(t)
  const { env } = daemon
  await cli(t, ['add-action', 'a', '--', 'true'], { env })
  const loadedBy = async (argv: readonly string[]) => {
    const { code, stderr } = await cli(t, argv, { env: { ...env, NODE_DEBUG: 'module' } })
    t.equal(code, 0)
    return [...stderr.matchAll(/ load "([^"]*)" for module/g)].map(([, path]) => path)
  }
  t.strictSame(await loadedBy(['queue', 'a', '-p', 'A=1']), [`${BIN}/jankins.js`])
  t.strictSame(await loadedBy(['queue', '--help']), [`${BIN}/jankins.js`, `${BIN}/yargs.js`])
})

t.test('the build has compiled the command, for this release of Node', async t => {
  const path = join(BIN, 'command.js')
  t.equal(scriptOf(path, readFileSync(`${path}.compiled`)).cachedDataRejected, false)
})
