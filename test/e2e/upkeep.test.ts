import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { backUp } from '../../lib/server/upkeep/backup.js'
import { runTar } from '../../lib/server/upkeep/tar.js'
import { openBackupLock, takeBackupLock } from '../../lib/store/backup-lock.js'
import { until } from '../helpers/clock.js'
import { cli, type DaemonProcess, runDaemon, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'

/** Runs a job with a log and artifacts. @returns its id */
async function runJob(t: Test, { env }: DaemonProcess, script: string): Promise<string> {
  const queued = await cli(t, ['exec', '--artifact', 'out*', '--', 'sh', '-c', script], { env })
  t.equal(queued.code, 0, queued.stderr)
  const worker = startCli(t, ['work', '--once', '--dir', join(temporaryDirectory(t), 'w')], { env })
  t.equal((await worker.ended).code, 0, worker.stderr())
  return String(queued.stdout).trim()
}

const SCRIPT = 'echo told; echo also >&2; head -c 100000 /dev/urandom >out.bin; exit 3'

t.test('a backup that was written while the daemon ran is a whole daemon again', async t => {
  const daemon = await startDaemon(t)
  const job = await runJob(t, daemon, SCRIPT)
  const pending = String((await cli(t, ['exec', '--', 'true'], { env: daemon.env })).stdout).trim()
  const file = join(temporaryDirectory(t), 'jankins.tar.gz')
  const saved = await runDaemon(t, ['backup', file, '--data', daemon.dataDir])
  t.equal(saved.code, 0, saved.stderr)
  t.match(String(saved.stdout), /was written, \d+ bytes\n$/)
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.strictSame(readdirSync(join(file, '..')), ['jankins.tar.gz'], 'nothing is left beside it')
  const later = String((await cli(t, ['exec', '--', 'true'], { env: daemon.env })).stdout).trim()
  await daemon.stop()

  const dataDir = join(temporaryDirectory(t), 'data')
  const restored = await runDaemon(t, ['restore', file, '--data', dataDir])
  t.equal(restored.code, 0, restored.stderr)
  t.equal(statSync(dataDir).mode & 0o777, 0o700)
  t.match(await runDaemon(t, ['check', '--data', dataDir]), { code: 0 })
  const second = await startDaemon(t, { dataDir })
  t.equal(second.password, daemon.password)
  const { env } = second
  t.match(String((await cli(t, ['log', job], { env })).stdout), 'told\n')
  t.equal((await cli(t, ['fetch', job], { env })).code, 0)
  t.match(JSON.parse(String((await cli(t, ['query', job, '--json'], { env })).stdout)), { exitCode: 3 })
  t.match(JSON.parse(String((await cli(t, ['query', pending, '--json'], { env })).stdout)), { state: 'PENDING' })
  t.match((await cli(t, ['query', later], { env })).stderr, /E_JOB_NOT_FOUND/, 'it came after the backup')
})

t.test('a backup that cannot be written, or read, is told in one line and leaves nothing', async t => {
  const dir = temporaryDirectory(t)
  const daemon = await startDaemon(t)
  const missing = await runDaemon(t, ['backup', join(dir, 'no', 'such.tar'), '--data', daemon.dataDir])
  t.match(missing, { code: 1, stderr: /^jankinsd: cannot write the backup \S+: ENOENT[^\n]*\n$/ })
  t.match(await runDaemon(t, ['backup', join(dir, 'x.tar'), '--data', dir]), {
    code: 1,
    stderr: /there is no database/,
  })
  t.strictSame(readdirSync(dir), [])
  const bad = join(dir, 'bad.tar')
  writeFileSync(bad, 'no archive')
  const data = join(dir, 'data')
  t.match(await runDaemon(t, ['restore', bad, '--data', data]), {
    code: 1,
    stderr: /^jankinsd: cannot restore [^\n]*\n$/,
  })
  t.strictSame(readdirSync(dir), ['bad.tar'])
  t.match(await runDaemon(t, ['restore', bad, '--data', daemon.dataDir]), { code: 1, stderr: /is not empty/ })
  for (const words of [['restore'], ['backup', 'a', 'b'], ['save', 'a']])
    t.match(await runDaemon(t, words), { code: 2, stderr: /see jankinsd --help\n$/ }, words.join(' '))
})

t.test('a file that went since it was listed fails no backup; whatever else tar says does', async t => {
  const dir = temporaryDirectory(t)
  mkdirSync(join(dir, 'logs', '0'), { recursive: true })
  for (const file of ['logs/0/1.stdout', 'logs/0/3.stdout']) writeFileSync(join(dir, file), 'told')
  const archive = join(dir, 'some.tar.gz')
  const pack = (...names: string[]): Promise<void> =>
    runTar(
      ['--create', '--auto-compress', `--file=${archive}`, '--directory', dir, '--null', '--files-from=-'],
      Readable.from(names.map(name => `${name}\0`)),
    )
  await pack('logs/0/1.stdout', 'logs/0/2.stdout', 'logs/1/1000.stdout', 'logs/0/3.stdout')
  const listed = execFileSync('tar', ['--list', `--file=${archive}`], { encoding: 'utf8' })
  t.equal(listed, 'logs/0/1.stdout\nlogs/0/3.stdout\n')
  await t.rejects(pack('logs/0/1.stdout', 'secret-key', 'logs/0/2.stdout'), /secret-key: Cannot stat: No such file/)
  await t.rejects(pack('logs/0/2.stdout', 'logs/0/1.stdout/x', 'logs/0/3.stdout'), /Cannot stat: Not a directory/)
})

t.test('no file is removed while a backup is written, and prune says so', async t => {
  const daemon = await startDaemon(t)
  await runJob(t, daemon, SCRIPT)
  await daemon.stop()
  const { dataDir } = daemon
  const lock = openBackupLock(dataDir)
  t.teardown(() => lock.close())
  const written = backUp(dataDir, join(temporaryDirectory(t), 'jankins.tar'))
  await until(() => lock.isTaken(), 'the backup holds the files')
  await written
  t.equal(lock.isTaken(), false)
  const held = takeBackupLock(dataDir)
  const config = '[retention]\ncount = 1\n'
  const refused = await runDaemon(t, ['prune', '--data', dataDir], { config })
  t.match(refused, { code: 1, stderr: /a backup of \S+ is being written: prune when that is done\n$/ })
  held.release()
  t.equal((await runDaemon(t, ['prune', '--data', dataDir], { config })).code, 0)
})

t.test('an archive that holds a link is no backup', async t => {
  const dir = temporaryDirectory(t)
  mkdirSync(join(dir, 'in'))
  symlinkSync('/etc', join(dir, 'in', 'logs'))
  execFileSync('tar', ['-C', join(dir, 'in'), '-cf', join(dir, 'links.tar'), 'logs'])
  const outcome = await runDaemon(t, ['restore', join(dir, 'links.tar'), '--data', join(dir, 'data')])
  t.match(outcome, { code: 1, stderr: /logs is no plain file/ })
  t.notOk(existsSync(join(dir, 'data')))
})

t.test('check names each problem and what mends it', async t => {
  const daemon = await startDaemon(t)
  const job = await runJob(t, daemon, SCRIPT)
  const { dataDir } = daemon
  const check = async (...args: string[]) => {
    const { code, stdout, stderr } = await runDaemon(t, ['check', '--data', dataDir, ...args])
    return { code, text: `${stdout}${stderr}` }
  }
  t.strictSame(await check(), { code: 0, text: 'no problem was found\n' }, 'while it runs')
  await daemon.stop()
  t.equal((await check()).code, 0)
  chmodSync(join(dataDir, 'scram-secret'), 0o644)
  truncateSync(join(dataDir, 'logs', '0', `${job}.stdout`), 2)
  rmSync(join(dataDir, 'artifacts', '0', `${job}.zip`))
  const found = await check()
  t.equal(found.code, 1)
  t.match(found.text, /others than its owner may use \S+scram-secret\n {3}mend: chmod 0600 /)
  t.match(found.text, `the log of job ${job} has 7 bytes instead of 10`)
  t.match(found.text, new RegExp(`the artifacts of job ${job} have 0 bytes instead of \\d+`))
  const config = join(temporaryDirectory(t), 'jankins.conf')
  writeFileSync(config, 'connections_max = 100000\nreserve = "1TiB"\n')
  const strained = (await check('--config', config)).text
  t.match(strained, /less than reserve: new work is refused\n {3}mend: make room/)
  writeFileSync(config, 'port = "x"\n')
  t.match(await check('--config', config), { code: 2, text: /jankins\.conf:1:1: port must be/ })
})

t.test('check finds a database that is damaged or newer', async t => {
  const daemon = await startDaemon(t)
  await daemon.stop()
  const path = join(daemon.dataDir, 'jankins.db')
  const db = new Database(path)
  db.pragma('foreign_keys = OFF')
  db.prepare('INSERT INTO queues (action, labels) VALUES (4711, ?)').run('[]')
  db.close()
  const orphan = await runDaemon(t, ['check', '--data', daemon.dataDir])
  t.match(String(orphan.stdout), /the database is damaged: row \d+ of queues refers to nothing\n {3}mend: /)
  const newer = new Database(path)
  newer.pragma('user_version = 9999')
  newer.close()
  t.match(String((await runDaemon(t, ['check', '--data', daemon.dataDir])).stdout), /made by a newer jankinsd/)
})

t.test('prune removes what retention does not keep, after it has said what that is', async t => {
  const config = '[retention]\ncount = 1\n'
  const daemon = await startDaemon(t)
  const jobs = [await runJob(t, daemon, SCRIPT), await runJob(t, daemon, SCRIPT), await runJob(t, daemon, SCRIPT)]
  const [first = '', second = '', third = ''] = jobs
  const { env, dataDir } = daemon
  t.equal(String((await cli(t, ['pin', first], { env })).stdout), `job ${first} is pinned\n`)
  const prune = async (...flags: string[]) => {
    const { code, stdout, stderr } = await runDaemon(t, ['prune', '--data', dataDir, ...flags], { config })
    return { code, text: `${stdout}${stderr}` }
  }
  const bundle = 'ab'.repeat(32)
  const bundleFile = join(dataDir, 'bundles', 'ab', `${bundle}.zip`)
  mkdirSync(join(bundleFile, '..'), { recursive: true })
  writeFileSync(bundleFile, Buffer.alloc(2_048))
  const due = 'jobs without an action: 1 job, 98 KiB\n'
  t.strictSame(await prune('--dry-run'), { code: 0, text: due }, 'the bundle was touched today')
  utimesSync(bundleFile, 1, 1)
  const all = `${due}not needed by any job: 1 bundle, 2.0 KiB\ntogether: 100 KiB\n`
  t.strictSame(await prune('--dry-run'), { code: 0, text: all }, 'beside a daemon, too')
  const refused = await prune()
  t.equal(refused.code, 1)
  t.match(refused.text, `${all}jankinsd: nothing was removed: the daemon that runs on ${dataDir} removes by itself`)
  t.equal(existsSync(bundleFile), true)
  await daemon.stop()
  t.strictSame(await prune('--dry-run'), { code: 0, text: all }, 'and without one')
  t.strictSame(await prune(), { code: 0, text: 'removed: logs and artifacts of 1 job, 1 bundle\n' })
  t.equal(existsSync(bundleFile), false)
  t.match(await prune('--dry-run'), { code: 0, text: 'retention keeps everything that there is\n' })
  t.match(await runDaemon(t, ['check', '--data', dataDir]), { code: 0 }, 'nothing is amiss')
  t.match(await runDaemon(t, ['--dry-run', '--data', dataDir]), { code: 2, stderr: /--dry-run is for jankinsd prune/ })

  const again = await startDaemon(t, { dataDir, config })
  t.match(await prune(), { code: 0, text: 'retention keeps everything that there is\n' }, 'nothing is left to wish for')
  const pruned = await cli(t, ['log', second], { env: again.env })
  t.match(pruned, { code: 1, stderr: /removed, as the retention of the daemon says \(E_PRUNED/ })
  t.match((await cli(t, ['fetch', second], { env: again.env })).stderr, /E_PRUNED/)
  for (const job of [first, third]) t.equal((await cli(t, ['fetch', job], { env: again.env })).code, 0)
  t.match(String((await cli(t, ['unpin', first, '--json'], { env: again.env })).stdout), /"changed":true/)
  const admin = await again.connect()
  const fileOf = (job: string): string => join(dataDir, 'logs', '0', `${job}.stdout`)
  while (existsSync(fileOf(first))) await admin.call('server.status', {})
  t.equal(existsSync(fileOf(third)), true, 'a daemon that runs removes by itself')
})
