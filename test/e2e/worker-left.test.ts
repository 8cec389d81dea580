import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { JobId } from '../../protocol/ids.js'
import { quietPort } from '../helpers/ports.js'
import { type DaemonProcess, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js'
import { endOf } from '../helpers/worker-bench.js'
import { isGone, running, type Stage, sh, stage } from '../helpers/worker-stage.js'

/** Their workers and jobs wait more than they do. */
t.jobs = 5

interface Left extends Stage {
  readonly job: JobId
  readonly pid: number
  /** Lets the job end. */
  letGo(): void
  /** The daemon again, in its place. */
  again(): Promise<DaemonProcess>
}

/** A job that runs on, with 6 as its end, behind a worker that was killed. */
async function leave(t: Test): Promise<Left> {
  const on = await stage(t, { args: ['--port', String(await quietPort())] })
  const { admin, daemon, exec, worker } = on
  const flag = join(temporaryDirectory(t), 'go')
  const job = await exec({ command: sh(`while [ ! -e ${flag} ]; do sleep 0.05; done; exit 6`) })
  const first = worker()
  const pid = await running(admin, job)
  first.child.kill('SIGKILL')
  await first.ended
  return {
    ...{ ...on, job, pid },
    letGo: () => writeFileSync(flag, ''),
    again: () => startDaemon(t, { dataDir: daemon.dataDir, args: ['--port', String(daemon.address.port)] }),
  }
}

/** The configuration of a worker of several daemons. */
function configOf(t: Test, ...daemons: readonly DaemonProcess[]): string {
  const path = join(temporaryDirectory(t), 'jankins.conf')
  const servers = daemons.map(
    ({ address, dataDir }) =>
      `[[worker.server]]\naddress = "${address.host}:${address.port}"\nuser = "admin"\n` +
      `password_file = "${dataDir}/admin-password"\n`,
  )
  writeFileSync(path, servers.join(''))
  return path
}

t.test(
  'what cannot be removed of an earlier job does not keep a worker from its running ones',
  { skip: noSmallDisk() },
  async t => {
    const { admin, job, letGo, worker, stateDir } = await leave(t)
    const attempts = join(stateDir, 'attempts')
    const mounted = join(attempts, '9-1-00000000', 'workspace', 'mounted')
    mkdirSync(mounted, { recursive: true })
    mountSmallDisk(t, 1, mounted)
    writeFileSync(join(attempts, 'stray'), 'a note of somebody')
    const second = worker()
    await second.said(/adopting a job/)
    letGo()
    t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 6, attempt: 1 })
    t.ok(existsSync(mounted))
    t.ok(existsSync(join(attempts, 'stray')))
    second.child.kill('SIGTERM')
    const { code, stderr } = await second.ended
    t.equal(code, 0)
    t.match(stderr, /9-1-00000000.*was not removed/)
  },
)

for (const mode of [['--poll', '1'], ['--once']])
  t.test(`a daemon that is away when work ${mode[0]} starts gets the job that was left of it`, async t => {
    const { again, daemon, job, letGo, worker } = await leave(t)
    await daemon.stop('SIGKILL')
    const second = worker(...mode)
    await second.said(/cannot connect; going on trying/)
    const admin = await (await again()).connect()
    letGo()
    t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 6, attempt: 1 })
    if (mode[0] === '--poll') second.child.kill('SIGTERM')
    t.equal((await second.ended).code, 0)
  })

t.test('a daemon that is away does not keep a polling worker from its jobs of another one', async t => {
  const { again, daemon, job, letGo, stateDir } = await leave(t)
  const other = await startDaemon(t)
  const config = configOf(t, daemon, other)
  await daemon.stop('SIGKILL')
  const args = ['work', '--name', 'box', '--dir', stateDir, '--config', config, '--poll', '1', '--jobs', '2']
  const second = startCli(t, args)
  await second.said(/adopting a job/)
  const otherAdmin = await other.connect()
  for (const key of ['first-of-two', 'second-of-two']) {
    const run = await otherAdmin.call('job.exec', { command: ['true'], key })
    t.match(await endOf(otherAdmin, run.job), { state: 'COMPLETE', exitCode: 0 })
  }
  const admin = await (await again()).connect()
  letGo()
  t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 6, attempt: 1 })
  second.child.kill('SIGTERM')
  t.equal((await second.ended).code, 0)
})

for (const [mode, code] of [
  [[], 0],
  [['--poll', '1'], 0],
  [['--once'], 143],
] as const)
  t.test(`a second SIGTERM ends ${['work', ...mode].join(' ')} also when its daemon is away`, async t => {
    const { again, daemon, job, pid, worker } = await leave(t)
    await daemon.stop('SIGKILL')
    const second = worker(...mode)
    await second.said(/cannot connect; going on trying/)
    second.child.kill('SIGTERM')
    await second.said(/no new job/)
    second.child.kill('SIGTERM')
    t.equal((await second.ended).code, code)
    t.ok(isGone(pid), 'the job was stopped')
    const admin = await (await again()).connect()
    t.equal((await worker('--once').ended).code, 0)
    t.match(await endOf(admin, job), { state: 'CANCELLED', reason: 'stopped', signal: 'SIGTERM', attempt: 1 })
  })

t.test('a job that was left is the only one of work --once', async t => {
  const { admin, exec, job, letGo, worker } = await leave(t)
  const next = await exec({ command: ['true'] })
  const second = worker('--once', '--wait', '--jobs', '1')
  await second.said(/adopting a job/)
  letGo()
  t.equal((await second.ended).code, 0)
  t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 6, attempt: 1 })
  t.match((await admin.call('job.query', { jobs: [next] })).jobs[0], { state: 'PENDING' })
})
