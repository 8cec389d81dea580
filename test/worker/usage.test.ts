import t from 'tap'
import { findDelegatedCgroup } from '../../lib/worker/tree/cgroup.js'
import { parseTimes } from '../../lib/worker/tree/usage.js'
import { startBench } from '../helpers/worker-bench.js'

const SPIN = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'
/** 64 MB in one variable, for longer than the first looks at the memory. */
const GROW = 'v=$(head -c 64000000 /dev/zero | tr "\\\\0" x); sleep 0.5; : "$v"'

t.test('what a shell tells of its times is its own and its children’s', async t => {
  t.strictSame(parseTimes('0m0.010000s 0m0.020000s\n1m2.500000s 0m0.040000s\n'), { cpuUserMs: 62_510, cpuSystemMs: 60 })
  t.strictSame(parseTimes('0m0.000s 0m'), {})
})

for (const useCgroup of [false, true])
  t.test(`a job that has ended shows what it used, ${useCgroup ? 'with' : 'without'} a cgroup`, async t => {
    if (useCgroup && !(await findDelegatedCgroup()))
      return void t.comment('skipped: no cgroup (version 2) is writable here')
    const bench = await startBench(t)
    const spinning = await bench.exec({ command: ['sh', '-c', `${SPIN}; ${GROW}`] })
    const { result } = await bench.work({ useCgroup })
    await result
    const job = await bench.ended(spinning)
    t.match(job, { exitCode: 0, treeLayer: useCgroup ? 'cgroup' : 'cookie' })
    t.ok(job.cpuUserMs! > 20 && job.cpuUserMs! < 60_000, `${job.cpuUserMs} ms`)
    t.type(job.cpuSystemMs, 'number')
    t.ok(job.memoryPeakBytes! > 60_000_000 && job.memoryPeakBytes! < 2_000_000_000, `${job.memoryPeakBytes} bytes`)
  })
