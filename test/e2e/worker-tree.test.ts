import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Dial, Wire } from '../../lib/base/wire.js'
import { ConnectionLostError } from '../../lib/client/connection.js'
import { findPidNamespace } from '../../lib/worker/machine/namespace.js'
import { findDelegatedCgroup } from '../../lib/worker/tree/cgroup.js'
import type { JobId } from '../../protocol/ids.js'
import { getaway, newMark, processesNaming, shedding } from '../helpers/tree.js'
import { type Bench, startBench, tempDir, until } from '../helpers/worker-bench.js'

/** Most of the time the ways wait: for a lease, a time limit, a grace. */
t.jobs = 3

const LAYERS = [
  { layer: 'cookie', options: {}, isThere: async () => true, holdsAll: false },
  {
    ...{ layer: 'pid-namespace', options: { usePidNamespace: true }, holdsAll: true },
    isThere: async () => (await findPidNamespace()) !== undefined,
  },
  {
    ...{ layer: 'cgroup', options: { useCgroup: true }, holdsAll: true },
    isThere: async () => (await findDelegatedCgroup()) !== undefined,
  },
] as const

interface Way {
  readonly definition?: { readonly leaseMs?: number; readonly timeLimitMs?: number; readonly graceMs?: number }
  /** The job goes on until it is ended. */
  readonly goesOn: boolean
  end?(bench: Bench, job: JobId, line: Line): unknown
  readonly expected: object
}

/** Between the worker and the daemon, until it is cut for good. */
interface Line {
  readonly dial: Dial
  cut(): void
}

function newLine(dial: Dial): Line {
  const wires: Wire[] = []
  let isCut: boolean = false
  return {
    async dial(address) {
      if (isCut) throw new ConnectionLostError('the line is cut')
      const wire = await dial(address)
      wires.push(wire)
      return wire
    },
    cut() {
      isCut = true
      for (const wire of wires) wire.destroy()
    },
  }
}

const WAYS: Readonly<Record<string, Way>> = {
  'that ends by itself': { goesOn: false, expected: { state: 'COMPLETE', exitCode: 3 } },
  'that is stopped': {
    goesOn: true,
    end: (bench, job) => bench.admin.call('job.stop', { job }),
    expected: { state: 'CANCELLED', reason: 'stopped', signal: 'SIGTERM' },
  },
  'that is killed after its grace': {
    goesOn: true,
    definition: { graceMs: 100 },
    end: (bench, job) => bench.admin.call('job.stop', { job }),
    expected: { state: 'CANCELLED', reason: 'stopped', signal: 'SIGKILL' },
  },
  'that reaches its time limit': {
    goesOn: true,
    definition: { timeLimitMs: 10_000 },
    expected: { state: 'TIMEOUT', reason: 'time-limit' },
  },
  'whose lease is lost': {
    goesOn: true,
    definition: { leaseMs: 6_000 },
    end: (_bench, _job, line) => line.cut(),
    expected: { state: 'TIMEOUT', reason: 'worker-lost', treeLayer: undefined },
  },
}

for (const { layer, options, isThere, holdsAll } of LAYERS)
  t.test(`by ${layer} nothing is left of a job`, async t => {
    if (!(await isThere())) return void t.comment('skipped: this machine does not have it')
    t.jobs = Object.keys(WAYS).length
    await Promise.all(Object.entries(WAYS).map(([name, way]) => t.test(name, t => endOneWay(t, way))))

    async function endOneWay(t: Test, { definition, goesOn, end, expected }: Way): Promise<void> {
      const bench = await startBench(t)
      const line = newLine(bench.daemon.dial)
      const mark = newMark(t)
      const started = join(await tempDir(t), 'started')
      const ignores = definition?.graceMs === undefined ? '' : 'trap "" TERM;'
      const rest = goesOn ? `${ignores} : >${started}; while :; do sleep 0.05; done` : 'exit 3'
      const command = ['sh', '-c', `${getaway(mark)}${holdsAll ? shedding(mark) : ''}${rest}`]
      const job = await bench.exec({ command, ...definition })
      const { result, stop, drain } = await bench.work({ ...options, dial: line.dial, mode: { kind: 'loop' } })
      if (goesOn) await until('it runs', () => existsSync(started) && processesNaming(mark).length >= 8)
      await end?.(bench, job, line)
      // The in-memory line of the test keeps no process alive, and neither does a daemon that waits for a lease.
      const stateNow = async () => (await bench.admin.call('job.query', { jobs: [job] })).jobs[0]?.state
      await until('it has ended', async () => !['PENDING', 'RUNNING'].includes((await stateNow()) ?? ''))
      t.match(await bench.ended(job), { treeLayer: layer, ...expected })
      t.strictSame(processesNaming(mark), [])
      drain()
      stop()
      await result
    }
  })

t.test(
  'without a cgroup or a namespace a process that sheds everything gets away, and the record says cookie',
  async t => {
    const bench = await startBench(t)
    const mark = newMark(t)
    const there = join(await tempDir(t), 'there')
    const script = `env -i setsid /bin/sh -c ': >${there}; exec sleep ${mark}' & while [ ! -e ${there} ]; do :; done`
    const job = await bench.run({ command: ['sh', '-c', script] })
    t.match(job, { state: 'COMPLETE', exitCode: 0, treeLayer: 'cookie' })
    t.equal(processesNaming(mark).length, 1)
  },
)

t.test('a job in a namespace of its own ends like any other job', async t => {
  if (!(await findPidNamespace())) return void t.comment('skipped: no pid namespace can be made here')
  const bench = await startBench(t)
  const sh = (script: string): string[] => ['sh', '-c', script]
  const cases = [
    { name: 'status', command: sh('echo out; echo err >&2; exit 7'), exitCode: 7, stdout: 'out\n' },
    { name: 'unknown', command: ['no-such-program-here'], exitCode: 127 },
    { name: 'not executable', command: ['/etc/passwd'], exitCode: 126 },
    { name: 'killed by itself', command: sh('kill -9 $$'), exitCode: 137 },
    { name: 'terminated by itself', command: sh('kill $$; sleep 5'), exitCode: 143 },
    {
      name: 'its own processes',
      command: sh('ls -d /proc/[0-9]* | wc -l | grep -c "^[1-9]$"'),
      exitCode: 0,
      stdout: '1\n',
    },
  ]
  for (const { name, command, exitCode, stdout } of cases) {
    const id = await bench.exec({ command })
    await (await bench.work({ usePidNamespace: true })).result
    const job = await bench.ended(id)
    t.match(job, { state: 'COMPLETE', exitCode, treeLayer: 'pid-namespace' }, name)
    t.type(job.cpuUserMs, 'number')
    if (stdout !== undefined) t.equal(String(await bench.log(id)), stdout, name)
  }
})
