import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { cli, type DaemonProcess, temporaryDirectory } from '../helpers/processes.js'
import { endOf, processesWith, until } from '../helpers/worker-bench.js'
import { isGone, running, sh, stage } from '../helpers/worker-stage.js'

/** Their workers and jobs wait more than they do. */
t.jobs = 3

t.test('asking once without a job exits with 5, with one with 0, and without a daemon with 3', async t => {
  const { daemon, exec, admin, stateDir } = await stage(t)
  const args = ['work', '--once', '--name', 'box', '--dir', stateDir]
  t.equal((await cli(t, args, { env: daemon.env })).code, 5)
  const job = await exec({ command: sh('exit 4') })
  const once = await cli(t, [...args, '--json'], { env: daemon.env })
  t.equal(once.code, 0, once.stderr)
  t.match(JSON.parse(String(once.stdout)), { job, state: 'COMPLETE', exitCode: 4 })
  t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 4, worker: 'box' })
  await daemon.stop()
  t.equal((await cli(t, args, { env: daemon.env })).code, 3)
})

t.test('a job outlives the kill of its worker, and the next worker brings its result', async t => {
  const { admin, exec, worker } = await stage(t)
  const flag = join(temporaryDirectory(t), 'go')
  const job = await exec({
    command: sh(`seq 1 1000; while [ ! -e ${flag} ]; do sleep 0.05; done; seq 1001 2000; exit 6`),
  })
  const first = worker()
  const pid = await running(admin, job)
  first.child.kill('SIGKILL')
  await first.ended
  t.notOk(isGone(pid), 'it runs on')
  const second = worker()
  await until('it is adopted', () => second.stderr().includes('adopting'))
  await writeFile(flag, '')
  t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 6, attempt: 1, pid })
  const log = (await admin.call('job.log', { job, stream: 'stdout', offset: 0, bytesMax: 262_144 })).chunks
  t.equal(
    Buffer.concat(log.map(({ data }) => data)).toString(),
    Array.from({ length: 2_000 }, (_, i) => `${i + 1}\n`).join(''),
  )
  second.child.kill('SIGTERM')
  t.equal((await second.ended).code, 0)
})

t.test('a worker that is killed while it ships artifacts leaves the rest of them to the next one', async t => {
  const { daemon, admin, exec, worker } = await stage(t)
  // By its name it is packed already: stored as it is.
  const job = await exec({ command: sh('seq 1 20000000 >"$JANKINS_ARTIFACTS/numbers.gz"') })
  const first = worker()
  const part = join(daemon.dataDir, `artifacts/parts/${job}.part`)
  await until('some of them have come', () => (statSync(part, { throwIfNoEntry: false })?.size ?? 0) > 1_000_000)
  first.child.kill('SIGKILL')
  await first.ended
  const second = worker()
  t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 0, attempt: 1 })
  const out = temporaryDirectory(t)
  t.equal((await cli(t, ['fetch', String(job), '-o', out], daemon)).code, 0)
  t.doesNotThrow(() => execFileSync('sh', ['-c', 'seq 1 20000000 | cmp - "$1"', 'sh', join(out, 'numbers.gz')]))
  second.child.kill('SIGTERM')
  t.equal((await second.ended).code, 0)
})

t.test('a hangup ends the worker at once, and a status that was written without it arrives', async t => {
  const { admin, exec, worker, stateDir } = await stage(t)
  const flag = join(temporaryDirectory(t), 'go')
  const job = await exec({ command: sh(`while [ ! -e ${flag} ]; do sleep 0.05; done; exit 3`) })
  const first = worker()
  const pid = await running(admin, job)
  first.child.kill('SIGHUP')
  t.equal((await first.ended).code, 129)
  await writeFile(flag, '')
  await until('the job has ended', () => isGone(pid))
  const [attempt] = await readdir(join(stateDir, 'attempts'))
  t.equal(await readFile(join(stateDir, 'attempts', attempt!, 'status'), 'utf8'), 'exit 3\n')
  t.match(
    await readFile(join(stateDir, 'attempts', attempt!, 'lease-end'), 'utf8'),
    /^(\d{12}) [0-9a-f-]{36} \1\nJANKINS_COOKIE_\w+=\w+\n$/,
  )
  const second = worker('--once')
  t.equal((await second.ended).code, 0)
  t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 3 })
  t.strictSame(await readdir(join(stateDir, 'attempts')), [])
})

t.test('a job is ended on its machine when the daemon was gone for longer than its lease', async t => {
  const { admin, daemon, exec, worker, stateDir } = await stage(t)
  const job = await exec({ command: sh('setsid sleep 600 & sleep 601'), leaseMs: 3_000 })
  const running_ = worker()
  const pid = await running(admin, job)
  const cookie = (await processesWith('JANKINS_COOKIE_')).length
  t.ok(cookie > 0)
  await daemon.stop('SIGKILL')
  await until('the job is gone', () => isGone(pid))
  await until('its directory is gone', async () => (await readdir(join(stateDir, 'attempts'))).length === 0)
  t.strictSame(await processesWith(`JANKINS_WORKSPACE=${stateDir}`), [])
  running_.child.kill('SIGTERM')
  t.equal((await running_.ended).code, 0)
})

t.test('SIGTERM drains a worker, and a second one stops its job', async t => {
  const { admin, exec, worker } = await stage(t)
  const job = await exec({ command: sh('sleep 600') })
  const working = worker()
  await running(admin, job)
  working.child.kill('SIGTERM')
  await until('it drains', () => working.stderr().includes('no new job'))
  working.child.kill('SIGTERM')
  t.equal((await working.ended).code, 0)
  t.match(await endOf(admin, job), { state: 'CANCELLED', reason: 'stopped', signal: 'SIGTERM' })
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  t.test(`${signal} gives work --once the exit status ${code}, with a job and without`, async t => {
    const { admin, daemon, exec, worker } = await stage(t)
    const waiting = worker('--once', '--wait')
    await until('it is attached', async () => (await workersOf(daemon)) > 0)
    waiting.child.kill(signal)
    t.equal((await waiting.ended).code, code)
    const flag = join(temporaryDirectory(t), 'go')
    const job = await exec({ command: sh(`while [ ! -e ${flag} ]; do sleep 0.05; done`) })
    const working = worker('--once')
    await running(admin, job)
    working.child.kill(signal)
    await working.said(/no new job/)
    await writeFile(flag, '')
    t.equal((await working.ended).code, code)
    t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 0 })
  })

t.test('wrong use is told in one line', async t => {
  const { daemon, stateDir, worker } = await stage(t)
  for (const args of [['--wait'], ['--once', '--poll', '5'], ['--jobs', '0']]) {
    const { code, stderr } = await cli(t, ['work', '--dir', stateDir, ...args], { env: daemon.env })
    t.equal(code, 2, args.join(' '))
    t.match(stderr, /^jankins: .*\n$/)
  }
  const first = worker()
  await until('it is there', () => existsSync(join(stateDir, 'attempts')))
  await until('it holds the directory', async () => (await workersOf(daemon)) > 0)
  const second = await worker().ended
  t.equal(second.code, 2)
  t.match(second.stderr, /another worker uses /)
  first.child.kill('SIGTERM')
  await first.ended
})

const workersOf = async (daemon: DaemonProcess): Promise<number> =>
  (await (await daemon.connect()).call('worker.list', {})).workers.length
