import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type LogRecord, recordLog } from '../../lib/base/log.js'
import { packDirectory } from '../../lib/client/archive/pack-directory.js'
import { readStat } from '../../lib/worker/machine/proc.js'
import type { Sha256 } from '../../protocol/ids.js'
import { type Bench, startBench, tempDir, until } from '../helpers/worker-bench.js'

/** Their jobs wait more than they do. */
t.jobs = 4

const sh = (script: string): string[] => ['sh', '-c', script]

/** Queues a job that tells by a file that it runs, and returns when it does. */
async function startedJob(bench: Bench, dir: string, script: string, rest: object = {}) {
  const flag = join(dir, 'started')
  const job = await bench.exec({ command: sh(script), environment: [['FLAG', flag]], ...rest })
  const working = await bench.work()
  await until('the job runs', () => existsSync(flag))
  return { job, working }
}

t.test('a stopped job gets SIGTERM, may tidy up within its grace, and ends as CANCELLED', async t => {
  const bench = await startBench(t)
  const script = 'trap "echo bye; exit 9" TERM; : >$FLAG; while :; do sleep 0.05; done'
  const { job, working } = await startedJob(bench, await tempDir(t), script)
  await bench.admin.call('job.stop', { job })
  await working.result
  const ended = await bench.ended(job)
  t.match(ended, { state: 'CANCELLED', reason: 'stopped', signal: 'SIGTERM', exitCode: 9 })
  t.equal(String(await bench.log(job)), 'bye\n')
})

t.test('a job that ignores SIGTERM is killed after its grace', async t => {
  const bench = await startBench(t)
  const script = 'trap "" TERM; : >$FLAG; while :; do sleep 0.05; done'
  const { job, working } = await startedJob(bench, await tempDir(t), script, { graceMs: 100 })
  await bench.admin.call('job.stop', { job })
  await working.result
  const ended = await bench.ended(job)
  t.match(ended, { state: 'CANCELLED', reason: 'stopped', signal: 'SIGKILL' })
  t.equal(ended.exitCode, undefined)
})

t.test('a job that runs longer than its time limit ends as TIMEOUT', async t => {
  const bench = await startBench(t)
  const job = await bench.run({ command: sh('echo begun; sleep 600'), timeLimitMs: 2_000 })
  t.match(job, { state: 'TIMEOUT', reason: 'time-limit', signal: 'SIGTERM' })
  t.equal(String(await bench.log(job.job)), 'begun\n')
})

t.test('a shell that vanishes without a status is told as killed', async t => {
  const bench = await startBench(t)
  const { job, working } = await startedJob(bench, await tempDir(t), ': >$FLAG; sleep 600')
  await until(
    'the pid is known',
    async () => (await bench.admin.call('job.query', { jobs: [job] })).jobs[0]?.pid !== undefined,
  )
  const { pid } = (await bench.admin.call('job.query', { jobs: [job] })).jobs[0]!
  process.kill(pid!, 'SIGKILL')
  await working.result
  const ended = await bench.ended(job)
  t.match(ended, { state: 'COMPLETE', reason: 'killed' })
  t.equal(ended.exitCode, undefined)
  t.equal(ended.signal, undefined)
})

t.test('a job that cannot be started tells why in its stderr', async t => {
  const bench = await startBench(t)
  const data = Buffer.from('this is no zip')
  const sha256 = createHash('sha256').update(data).digest('hex') as Sha256
  await bench.admin.call('bundle.write', { sha256, totalBytes: data.length, offset: 0, data })
  const job = await bench.run({ command: ['true'], bundle: sha256 })
  t.match(job, { state: 'COMPLETE', reason: 'not-started' })
  t.equal(job.exitCode, undefined)
  t.match(String(await bench.log(job.job, 'stderr')), /^jankins: the job could not be started: /)
})

t.test('a process that shed the cookie is found while it stays in the group of the job', async t => {
  const bench = await startBench(t)
  const pidFile = join(await tempDir(t), 'pid')
  const job = await bench.run({ command: sh(`env -i sleep 600 & echo $! >${pidFile}`) })
  t.match(job, { state: 'COMPLETE', exitCode: 0 })
  const stat = readStat(Number(await readFile(pidFile, 'utf8')))
  t.ok(stat === undefined || stat.state === 'Z', 'it is gone, or dead and waits for its parent')
})

t.test('artifacts are kept: what the patterns match and what was put into JANKINS_ARTIFACTS', async t => {
  const bench = await startBench(t)
  const job = await bench.run({
    command: sh('mkdir out; echo a >out/a.txt; echo b >out/b.bin; echo c >"$JANKINS_ARTIFACTS/c"'),
    artifacts: ['out/*.txt'],
  })
  t.equal(job.state, 'COMPLETE')
  t.ok(job.artifactBytes > 0)
  const { data, totalBytes } = await bench.admin.call('artifact.read', { job: job.job, offset: 0, bytesMax: 262_144 })
  t.equal(totalBytes, job.artifactBytes)
  t.ok(Buffer.from(data).includes('out/a.txt'))
  t.notOk(Buffer.from(data).includes('b.bin'))
})

t.test('an artifact that cannot be kept makes the job fail, and says so', async t => {
  const records: LogRecord[] = []
  const bench = await startBench(
    t,
    recordLog('info', record => records.push(record)),
  )
  const job = await bench.exec({ command: sh('ln -s /etc/passwd leak; exit 0'), artifacts: ['leak'] })
  const { result, ends } = await bench.work()
  await result
  t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 1, artifactBytes: 0 })
  t.match(String(await bench.log(job, 'stderr')), /jankins: the artifacts were not kept: .*leak/)
  t.match(ends, [{ job, state: 'COMPLETE', exitCode: 1 }], 'the worker tells the same')
  const told = records.filter(({ message }) => message === 'job ended')
  t.match(told, [{ facts: { job, state: 'COMPLETE', exitCode: 1 } }])
})

t.test('files that travel with a job are in its workspace', async t => {
  const bench = await startBench(t)
  const dir = await tempDir(t)
  await writeFile(join(dir, 'hello.txt'), 'hello\n')
  const { zip, sha256 } = await packDirectory(dir)
  await bench.admin.call('bundle.write', { sha256, totalBytes: zip.length, offset: 0, data: zip })
  const job = await bench.run({ command: ['cat', 'hello.txt'], bundle: sha256 })
  t.equal(String(await bench.log(job.job)), 'hello\n')
})

t.test('beyond the log limit the head and the end are kept, with a mark between', async t => {
  const bench = await startBench(t)
  const job = await bench.run({ command: sh('seq 1 20000; echo the end'), logLimitBytes: 10_000 })
  const log = String(await bench.log(job.job))
  t.match(log, /^1\n2\n/)
  t.match(log, /\n\[jankins: log limit reached, \d+ bytes left out\]\n/)
  t.ok(log.endsWith('20000\nthe end\n'))
  t.ok(log.length < 10_100, String(log.length))
})

t.test('a job that may not go beyond its log limit is stopped there', async t => {
  const bench = await startBench(t)
  const job = await bench.run({ command: ['yes'], logLimitBytes: 10_000, onLogLimit: 'stop', graceMs: 30_000 })
  t.match(job, { state: 'CANCELLED', reason: 'log-limit', signal: 'SIGTERM' })
})
