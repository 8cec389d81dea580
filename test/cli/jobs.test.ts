import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import { fakeWorker } from './fake-worker.js'
import { commandLine, jsonLines, temporaryDirectory } from './harness.js'

async function setUp(t: Test) {
  const daemon = await startDaemonInProcess(t, { clock: systemClock })
  const { run } = commandLine(t, daemon.dial)
  await daemon.login('admin', { user: 'ada' })
  await run(['login', 'ada'], { answers: ['password of ada'] })
  await run(['add-action', 'a', '--', 'true'])
  return { daemon, run, worker: await fakeWorker(daemon) }
}

t.test('run prints the log as it comes, each stream where it belongs, and exits as the job does', async t => {
  const { run, worker } = await setUp(t)
  let seen = ''
  let onFirst = (): void => {}
  const first = new Promise<void>(resolve => {
    onFirst = resolve
  })
  const ran = run(['run', 'a'], {
    onOutput: text => {
      seen += text
      onFirst()
    },
  })
  const job = await worker.take()
  await job.append('stdout', 'one\n')
  await first
  t.equal(seen, 'one\n', 'printed while the job runs')
  await job.append('stderr', 'oops\n')
  await job.append('stdout', 'two\n')
  await job.finish({ exitCode: 7 })
  t.match(await ran, { status: 7, stdout: 'one\ntwo\n', stderr: 'oops\n' })
})

t.test('queue --wait and --follow exit as the job does, and say its id first', async t => {
  const { run, worker } = await setUp(t)
  const waits = run(['queue', 'a', '--wait'])
  await (await worker.take()).finish({ exitCode: 3 })
  t.match(await waits, { status: 3, stdout: '1\n', stderr: '' })
  const follows = run(['queue', 'a', '--follow', '--json'])
  const job = await worker.take()
  await job.append('stdout', Buffer.from([0xff, 0, 0x0a]))
  await job.finish()
  const { status, stdout } = await follows
  t.equal(status, 0)
  t.match(jsonLines(stdout), [
    { job: 2 },
    { job: 2, attempt: 1, stream: 'stdout', data: Buffer.from([0xff, 0, 0x0a]).toString('base64') },
    { job: 2, state: 'COMPLETE', exitCode: 0, worker: 'w', pid: 4_711, logBytes: 3 },
  ])
})

t.test('a job without an exit code has a status of its own', async t => {
  const { run, worker } = await setUp(t)
  const statuses: number[] = []
  for (const end of [
    { reason: 'time-limit', signal: 'SIGTERM' },
    { reason: 'stopped', exitCode: 143, signal: 'SIGTERM' },
    { reason: 'killed' },
    { reason: 'not-started' },
  ] as const) {
    const waits = run(['exec', '--wait', '--', 'x'])
    await (await worker.take()).finish(end)
    statuses.push((await waits).status)
  }
  t.strictSame(statuses, [124, 130, 137, 126])
})

t.test('log gives back every byte, of both streams or of one', async t => {
  const { run, worker } = await setUp(t)
  await run(['queue', 'a'])
  const job = await worker.take()
  const bytes = randomBytes(1_000_000)
  await job.append('stdout', bytes)
  await job.append('stderr', 'err\n')
  t.ok((await run(['log', '1'])).stdoutBytes.equals(bytes), 'without --follow what is there, from a running job')
  await job.finish({ exitCode: 4 })
  const all = await run(['log', '1'])
  t.ok(all.stdoutBytes.equals(bytes))
  t.match(all, { status: 0, stderr: 'err\n' })
  t.match(await run(['log', '1', '--stderr']), { status: 0, stdout: '', stderr: 'err\n' })
  t.equal((await run(['log', '1', '--stdout'])).stderr, '')
  t.match(await run(['log', '1', '--stderr', '--attempt', '1', '-f']), { status: 4, stderr: 'err\n' })
  t.match(jsonLines((await run(['log', '1', '--json', '--stderr'])).stdout), [
    { job: 1, attempt: 1, stream: 'stderr', data: 'ZXJyCg==' },
  ])
})

t.test('a followed job that times out is followed into its next attempt', async t => {
  const { run, worker } = await setUp(t)
  await run(['add-action', 'again', '--retries', '1', '--', 'true'])
  const follows = run(['run', 'again'])
  const first = await worker.take()
  await first.append('stdout', 'first\n')
  await first.finish({ reason: 'time-limit' })
  const second = await worker.take()
  await second.append('stdout', 'second\n')
  await second.finish({ exitCode: 0 })
  t.match(await follows, { status: 0, stdout: 'first\nsecond\n', stderr: '' })
  t.equal((await run(['log', '1', '--attempt', '1'])).stdout, 'first\n')
  t.match(await run(['log', '1', '--attempt', '9']), { status: 2, stdout: '', stderr: /attempt must be at most 2 / })
  t.equal((await run(['log', '1'])).stdout, 'second\n')
})

t.test('stop takes a job out of the queue, and --wait returns after the end of a running one', async t => {
  const { run, worker, daemon } = await setUp(t)
  await run(['queue', 'a'])
  const job = await worker.take()
  await job.append('stdout', 'out\n')
  await job.append('stderr', 'err\n')
  const stops = run(['stop', '1', '--wait'])
  for (;;) {
    const view = await daemon.store.findJob(job.grant.job)
    if (view?.stopRequestedAtMs !== undefined) break
    await new Promise(resolve => setImmediate(resolve))
  }
  await job.finish({ exitCode: 143, signal: 'SIGTERM', reason: 'stopped' })
  const stopped = await stops
  t.match(stopped, { status: 130, stdout: 'out\n' })
  t.match(stopped.stderr, /^err\njob 1 CANCELLED: exit code 143, SIGTERM, stopped, after [\d.]+s\n$/)
  await run(['queue', 'a', '--count', '2'])
  t.match(await run(['stop', '2']), { status: 0, stdout: 'job 2 is CANCELLED\n', stderr: '' })
  t.match(await run(['stop', '2']), { status: 0, stdout: 'job 2 is CANCELLED\n' }, 'asked again, answered the same')
  t.strictSame(jsonLines((await run(['stop', '3', '2', '--json'])).stdout), [
    { job: 3, state: 'CANCELLED', requested: true },
    { job: 2, state: 'CANCELLED', requested: true },
  ])
})

t.test('what cannot be done for one job keeps nothing from the others, and is told', async t => {
  const { run } = await setUp(t)
  await run(['queue', 'a', '--count', '2'])
  const stderr = 'jankins: no job has this id (E_JOB_NOT_FOUND, job: 99)\n'
  const cases: [verb: string, stdout: string][] = [
    ['stop', 'job 1 is CANCELLED\njob 2 is CANCELLED\n'],
    ['pin', 'job 1 is pinned\njob 2 is pinned\n'],
    ['unpin', 'job 1 is not pinned any more\njob 2 is not pinned any more\n'],
  ]
  for (const [verb, stdout] of cases) t.match(await run([verb, '1', '99', '2']), { status: 1, stdout, stderr }, verb)
  t.match(await run(['stop', '99', '1', '--wait']), { status: 1, stderr: `${stderr}job 1 CANCELLED: stopped\n` })
})

t.test('stop leaves a job that has ended by itself as it is', async t => {
  const { run, worker } = await setUp(t)
  await run(['queue', 'a'])
  await (await worker.take()).finish()
  t.match(await run(['stop', '1']), { status: 0, stdout: 'job 1 had ended: COMPLETE\n', stderr: '' })
  t.match(await run(['query', '1', '--json']), { stdout: /"state":"COMPLETE"/ })
})

t.test('retry queues a job that has ended again, with its parameters', async t => {
  const { run, worker } = await setUp(t)
  await run(['queue', 'a', '-p', 'X=1'])
  const job = await worker.take()
  t.match(await run(['retry', '1']), { status: 1, stderr: /E_JOB_NOT_FINISHED/ })
  await job.finish({ exitCode: 1 })
  t.match(await run(['retry', '1']), { status: 0, stdout: '2\n', stderr: '' })
  t.match((await worker.take()).grant, { job: 2, environment: [['X', '1']] })
  t.match((await run(['query', '2'])).stdout, /retry of +1/)
})

t.test('queue --with sends a directory once, and its job is granted with it', async t => {
  const { run, worker } = await setUp(t)
  const dir = temporaryDirectory(t)
  mkdirSync(join(dir, 'src'))
  writeFileSync(join(dir, 'src', 'a.txt'), randomBytes(600_000))
  t.match(await run(['queue', 'a', '--with', dir]), { status: 0, stdout: '1\n', stderr: '' })
  t.match(await run(['exec', '--with', dir, '--', 'true']), { status: 0, stdout: '2\n' })
  const [first, second] = [(await worker.take()).grant, (await worker.take()).grant]
  t.type(first.bundle, 'string')
  t.equal(second.bundle, first.bundle)
  t.match(await run(['queue', 'a', '--with', join(dir, 'none')]), {
    status: 1,
    stdout: '',
    stderr: /^jankins: [^\n]+\n$/,
  })
})
