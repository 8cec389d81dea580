import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parseName } from '../../protocol/ids.js'
import { connectAs, runDaemon, startDaemon, temporaryDirectory } from '../helpers/processes.js'

t.test('the first start makes a private data directory with an admin, the next ones leave it alone', async t => {
  const first = await startDaemon(t)
  t.equal(statSync(first.dataDir).mode & 0o777, 0o700)
  for (const file of ['admin-password', 'daemon-id', 'scram-secret', 'jankins.db', 'lock.db'])
    t.equal(statSync(join(first.dataDir, file)).mode & 0o777, 0o600, file)
  t.match(first.password, /^[0-9a-f]{32}$/)
  const client = await first.connect()
  t.equal(client.role, 'admin')
  t.equal((await first.stop()).code, 0)

  const second = await startDaemon(t, { dataDir: first.dataDir })
  t.equal(second.password, first.password)
  t.equal((await second.connect()).role, 'admin')
})

t.test('a wrong password is refused', async t => {
  const daemon = await startDaemon(t)
  await t.rejects(connectAs(daemon.address, { user: parseName('admin')!, password: 'guess' }), { code: 'E_AUTH' })
})

t.test('a second daemon on the same data directory is refused in one line', async t => {
  const first = await startDaemon(t)
  const { code, stderr } = await runDaemon(t, ['--port', '0', '--data', first.dataDir])
  t.equal(code, 1)
  t.match(stderr, /^jankinsd: another jankinsd runs on \S+: stop it, or give another --data\n$/)
  t.equal((await first.connect()).role, 'admin', 'the first one goes on')
})

t.test('a daemon that was killed leaves no lock behind', async t => {
  const first = await startDaemon(t)
  await first.stop('SIGKILL')
  const second = await startDaemon(t, { dataDir: first.dataDir })
  t.equal((await second.connect()).role, 'admin')
})

t.test('a port that is in use is named in one line', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await new Promise(resolve => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }
  const dataDir = join(temporaryDirectory(t), 'data')
  const { code, stderr } = await runDaemon(t, ['--port', String(port), '--data', dataDir])
  t.equal(code, 1)
  t.equal(
    stderr.split('\n').at(-2),
    `jankinsd: 127.0.0.1:${port} is in use: stop the program that listens there, or give another --port`,
  )
})

t.test('a data directory that cannot be written to is named in one line', async t => {
  const file = join(temporaryDirectory(t), 'file')
  writeFileSync(file, '')
  const { code, stderr } = await runDaemon(t, ['--port', '0', '--data', join(file, 'data')])
  t.equal(code, 1)
  t.match(stderr, /^jankinsd: cannot write to \S+ \(ENOTDIR\): give --data a directory that this user may write to\n$/)
  const none = await runDaemon(t, ['--port', '0', '--data', '/proc/jankins/data'])
  t.equal(none.code, 1)
  t.match(none.stderr, /^jankinsd: cannot write to \S+ \(ENOENT\): give --data/)
})

t.test('a config that is wrong is refused with its place, and nothing is made', async t => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const wrong = [
    ['host = "127.0.0.1"\nport = "high"\n', /jankins\.conf:2:1: port must be a whole number\n$/],
    ['port = = 1\n', /jankins\.conf:1:8: /],
    ['[worker]\nspeed = 3\n', /jankins\.conf:2:1: worker\.speed is not a key that jankins knows\n$/],
    ['buffer = "1KiB"\n', /jankins\.conf:1:1: buffer must be 64KiB to 64MiB\n$/],
  ] as const
  for (const [config, expected] of wrong) {
    const { code, stderr } = await runDaemon(t, ['--data', dataDir], { config })
    t.equal(code, 2, config)
    t.match(stderr, expected)
    t.equal(stderr.split('\n').length, 2, 'one line')
  }
  t.notOk(existsSync(dataDir))
})

t.test('wrong use of the flags is status 2', async t => {
  for (const args of [
    ['--prot', '1'],
    ['--port', '70000'],
    ['--threads', 'many'],
    ['serve'],
    ['--config', '/nowhere.conf'],
  ]) {
    const { code, stderr } = await runDaemon(t, args)
    t.equal(code, 2, stderr)
    t.equal(stderr.split('\n').length, 2, 'one line')
  }
})

t.test('help and version tell and end', async t => {
  const help = await runDaemon(t, ['--help'])
  t.equal(help.code, 0)
  for (const flag of ['--config', '--host', '--port', '--data', '--buffer', '--metrics', '--threads'])
    t.ok(help.stdout.includes(flag), flag)
  t.match(String((await runDaemon(t, ['--version'])).stdout), /^jankinsd \d+\.\d+\.\d+\n$/)
})

t.test('listening beyond loopback must be asked for in so many words', async t => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const refused = await runDaemon(t, ['--host', '0.0.0.0', '--port', '0', '--data', dataDir])
  t.equal(refused.code, 2)
  t.match(refused.stderr, /allow_plaintext = true/)
  const daemon = await startDaemon(t, { args: ['--host', '0.0.0.0'], config: 'allow_plaintext = true\n' })
  t.equal(daemon.address.host, '0.0.0.0')
})

t.test('a database from a newer release is refused with what to do', async t => {
  const first = await startDaemon(t)
  await first.stop()
  const { default: Database } = await import('better-sqlite3')
  const db = new Database(join(first.dataDir, 'jankins.db'))
  db.pragma('user_version = 9999')
  db.close()
  const { code, stderr } = await runDaemon(t, ['--port', '0', '--data', first.dataDir])
  t.equal(code, 1)
  t.match(stderr, /^jankinsd: .*newer/)
  t.equal(stderr.split('\n').length, 2, 'one line')
})

t.test('a data directory that another user made private is not taken as a file', async t => {
  const dir = temporaryDirectory(t)
  mkdirSync(join(dir, 'data', 'lock.db'), { recursive: true })
  const { code, stderr } = await runDaemon(t, ['--port', '0', '--data', join(dir, 'data')])
  t.equal(code, 1)
  t.match(stderr, /^jankinsd: cannot write to \S+ \(SQLITE_CANTOPEN/)
})
