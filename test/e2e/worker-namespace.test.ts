import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { newCookie } from '../../lib/worker/environment.js'
import { openMachine } from '../../lib/worker/machine/linux.js'
import { findPidNamespace } from '../../lib/worker/machine/namespace.js'
import type { Grant } from '../../protocol/views.js'
import { commandOf, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { getaway, newMark, processesNaming, shedding } from '../helpers/tree.js'
import { endOf, nameOf, stayAlive, tempDir, until } from '../helpers/worker-bench.js'

/** A job runs in a namespace; undefined where that cannot be. */
async function stage(t: Test) {
  if (!(await findPidNamespace())) return void t.comment('skipped: no pid namespace can be made here')
  stayAlive(t)
  const dir = await tempDir(t)
  const [stateDir, go, started] = [join(dir, 'state'), join(dir, 'go'), join(dir, 'started')]
  const open = () => openMachine({ stateDir, clock: systemClock, useCgroup: false, usePidNamespace: true })
  const machine = await open()
  const mark = newMark(t)
  const script = `${getaway(mark)}${shedding(mark)}: >${started}; while [ ! -e ${go} ]; do sleep 0.05; done; exit 4`
  const grant = { job: 1, attempt: 1, lease: machine.random(16), command: ['sh', '-c', script], stderr: 'apart' }
  const files = await machine.attempts.create({
    ...{ grant: grant as unknown as Grant, server: 'nowhere:1', user: nameOf('nobody') },
    cookie: newCookie(machine.random),
  })
  await files.markLaunched()
  await files.writeLeaseEnd(machine.bootClock.bootMs() + 600_000)
  const { name, value } = files.record.cookie
  const shell = await machine.executor.start(files, { PATH: String(process.env.PATH), [name]: value })
  await until('all of it runs', () => existsSync(started) && processesNaming(mark).length >= 8)
  /** As the next worker process finds it. */
  const adopt = async () => {
    await machine.release()
    const next = await open()
    const [found] = await next.attempts.list()
    t.teardown(async () => {
      await found?.remove()
      await next.release()
    })
    return await next.executor.adopt(found!)
  }
  return { machine, files, shell, mark, adopt, go: () => writeFileSync(go, '') }
}

t.test('a job in a namespace is found again by the next worker process, with its status and its end', async t => {
  const on = await stage(t)
  if (!on) return
  const shell = await on.adopt()
  t.ok(shell.isAlive())
  on.go()
  t.strictSame(await shell.ended, { exitCode: 4 })
  t.strictSame(processesNaming(on.mark), [], 'with its shell everything is gone')
  t.equal(await shell.endTree(), 'pid-namespace')
})

t.test('a job in a namespace hears SIGTERM from the worker that has adopted it', async t => {
  const on = await stage(t)
  if (!on) return
  const shell = await on.adopt()
  shell.signal('SIGTERM')
  t.strictSame(await shell.ended, { exitCode: 143 })
  t.equal(await shell.endTree(), 'pid-namespace')
  t.strictSame(processesNaming(on.mark), [])
})

t.test('a namespace whose shell was killed is ended all the same', async t => {
  const on = await stage(t)
  if (!on) return
  process.kill(on.shell.pid!, 'SIGKILL')
  await until('the shell is gone', () => !on.shell.isAlive())
  t.strictSame(await on.shell.ended, {})
  t.equal(await on.shell.endTree(), 'pid-namespace')
  t.strictSame(processesNaming(on.mark), [])
  await on.files.remove()
  await on.machine.release()
})

t.test('the guard ends a job in a namespace when its lease has passed', async t => {
  const on = await stage(t)
  if (!on) return
  await on.files.writeLeaseEnd(on.machine.bootClock.bootMs() + 100)
  await until('nothing is left', () => processesNaming(on.mark).length === 0)
  await on.files.remove()
  await on.machine.release()
})

/** Runs one job on a worker that sees no cgroup, and no more pid namespaces than `namespacesMax`. */
async function workOnce(t: Test, namespacesMax: number) {
  const daemon = await startDaemon(t)
  const admin = await daemon.connect()
  const { job } = await admin.call('job.exec', { command: ['true'], key: `namespaces-${namespacesMax}` })
  const dir = temporaryDirectory(t)
  const config = join(dir, 'jankins.conf')
  writeFileSync(config, '[worker]\npid_namespace = true\n')
  const hiding = `mount -t tmpfs none "$(awk '/ - cgroup2 /{print $5}' /proc/self/mountinfo)" &&
    echo ${namespacesMax} >/proc/sys/user/max_pid_namespaces || exit 99; exec "$@"`
  const words = [...commandOf('jankins'), 'work', '--once', '--name', 'box', '--dir', dir]
  const { status, stderr } = spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', hiding, 'sh', ...words, '--config', config],
    { env: { ...process.env, ...daemon.env }, encoding: 'utf8' },
  )
  if (status === 1 || status === 99) return void t.comment(`skipped: the machine cannot be made so: ${stderr}`)
  t.equal(status, 0, stderr)
  return { stderr, job: await endOf(admin, job) }
}

t.test('pid_namespace makes one for each job', async t => {
  const ran = await workOnce(t, 100)
  if (!ran) return
  t.match(ran.job, { state: 'COMPLETE', exitCode: 0, treeLayer: 'pid-namespace' })
  t.notMatch(ran.stderr, /cannot make/)
})

t.test('a worker that is to make namespaces and cannot says so when it starts, and works without', async t => {
  const ran = await workOnce(t, 0)
  if (!ran) return
  t.match(ran.job, { state: 'COMPLETE', exitCode: 0, treeLayer: 'cookie' })
  t.match(ran.stderr, /this account cannot make a pid namespace here/)
})
