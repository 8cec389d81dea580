import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { newCookie } from '../../lib/worker/environment.js'
import { openMachine } from '../../lib/worker/machine/linux.js'
import { findDelegatedCgroup } from '../../lib/worker/tree/cgroup.js'
import type { Grant } from '../../protocol/views.js'
import { startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { newMark, processesNaming } from '../helpers/tree.js'
import { nameOf, startBench, stayAlive, tempDir, until } from '../helpers/worker-bench.js'

interface Waiting {
  readonly pid: number
  /** Empty: it has none. */
  readonly cgroup: string
}

/** The shells that wait, among the processes that carry the mark. */
function shellsWaiting(mark: string): readonly Waiting[] {
  return processesNaming(mark).flatMap(pid => {
    const [, option, seat, cgroup = ''] = read(`/proc/${pid}/cmdline`).split('\0')
    return option === '-s' && seat !== '' && Number.isInteger(Number(seat)) ? [{ pid, cgroup }] : []
  })
}

/** A cookie of an outer job is passed on to all that a worker starts: it tells the shells of this test. */
function marked(t: Test): { readonly mark: string; readonly variable: string } {
  const mark = newMark(t)
  return { mark, variable: `JANKINS_COOKIE_${mark.slice(-8)}` }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

const isReady = ({ pid, cgroup }: Waiting): boolean =>
  cgroup === '' || read(join(cgroup, 'cgroup.procs')).split('\n').includes(String(pid))

t.test(
  'a shell waits for each job that may run, in a cgroup where there is one, and leaves with its worker',
  async t => {
    const daemon = await startDaemon(t)
    const hasCgroup = (await findDelegatedCgroup()) !== undefined
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const { mark, variable } = marked(t)
      const args = ['work', '--name', signal.toLowerCase(), '--dir', temporaryDirectory(t), '--jobs', '2']
      const worker = startCli(t, args, { env: { ...daemon.env, [variable]: mark } })
      await until('two shells wait', () => shellsWaiting(mark).filter(isReady).length === 2)
      const cgroups = shellsWaiting(mark).map(({ cgroup }) => cgroup)
      t.equal(new Set(cgroups).size, hasCgroup ? 2 : 1, 'each in one of its own')
      worker.child.kill(signal)
      await until('nobody waits', () => shellsWaiting(mark).length === 0)
      await until('their cgroups are gone', () => !cgroups.some(cgroup => cgroup !== '' && existsSync(cgroup)))
      await worker.ended
    }
  },
)

t.test('a shell that was killed while it waited is followed by another one, which takes the job', async t => {
  const { mark, variable } = marked(t)
  process.env[variable] = mark
  t.teardown(() => delete process.env[variable])
  const bench = await startBench(t)
  const working = await bench.work({ mode: { kind: 'loop' }, useCgroup: true })
  await until('a shell waits', () => shellsWaiting(mark).some(isReady))
  const [first] = shellsWaiting(mark)
  process.kill(first!.pid, 'SIGKILL')
  await until('it is gone', () => shellsWaiting(mark).length === 0)
  const job = await bench.exec({ command: ['sh', '-c', 'exit 3'] })
  t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 3 })
  t.notOk(first!.cgroup !== '' && existsSync(first!.cgroup), 'its cgroup is gone with it')
  working.drain()
  await working.result
})

t.test('more jobs than shells that wait are started one after another, and all at once run', async t => {
  const bench = await startBench(t)
  const dir = await tempDir(t)
  const meet = `: >"${dir}/$JANKINS_JOB"; while [ "$(ls "${dir}" | wc -l)" -lt 3 ]; do sleep 0.05; done`
  const jobs = await Promise.all([1, 2, 3].map(() => bench.exec({ command: ['sh', '-c', meet] })))
  const working = await bench.work({ mode: { kind: 'loop' }, slots: 3, shellsAhead: 1 })
  for (const job of jobs) t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 0 })
  working.drain()
  await working.result
})

t.test('the time of a job counts from its begin, not from when its shell began to wait', async t => {
  stayAlive(t)
  const stateDir = await tempDir(t)
  const open = () => openMachine({ stateDir, clock: systemClock, shellsAhead: 1 })
  const machine = await open()
  const cookie = newCookie(machine.random)
  const grant = { job: 1, attempt: 1, lease: machine.random(16), command: ['sleep', '600'], stderr: 'apart' }
  const record = { grant: grant as unknown as Grant, server: 'nowhere:1', user: nameOf('tester'), cookie }
  const files = await machine.attempts.create(record)
  await files.markLaunched()
  // Long enough for the two times to differ: hundredths of a second are what the kernel tells.
  const waitsSinceBootMs = machine.bootClock.bootMs()
  await until('a while has passed', () => machine.bootClock.bootMs() > waitsSinceBootMs + 200)
  const startedFromBootMs = machine.bootClock.bootMs() - 10
  await machine.executor.start(files, { PATH: String(process.env.PATH), [cookie.name]: cookie.value })
  await machine.release()
  const next = await open()
  const [found] = await next.attempts.list()
  const adopted = await next.executor.adopt(found!)
  t.ok(adopted.startedAtBootMs >= startedFromBootMs, `${adopted.startedAtBootMs} is not before ${startedFromBootMs}`)
  adopted.signal('SIGKILL')
  t.ok(await adopted.endTree())
  await found!.remove()
  await next.release()
})
