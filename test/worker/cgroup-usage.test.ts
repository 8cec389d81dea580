import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readCgroupUsage } from '../../lib/worker/tree/usage.js'
import { tempDir } from '../helpers/worker-bench.js'

const STAT = 'usage_usec 3500000\nuser_usec 2500000\nsystem_usec 1000400\nnr_periods 0\n'

t.test('a cgroup tells its CPU time, and its peak of memory where that controller is delegated', async t => {
  const dir = await tempDir(t)
  t.strictSame(readCgroupUsage(dir), {}, 'it is gone')
  writeFileSync(join(dir, 'cpu.stat'), STAT)
  t.strictSame(readCgroupUsage(dir), { cpuUserMs: 2_500, cpuSystemMs: 1_000 })
  writeFileSync(join(dir, 'memory.peak'), '73400320\n')
  t.strictSame(readCgroupUsage(dir), { cpuUserMs: 2_500, cpuSystemMs: 1_000, memoryPeakBytes: 73_400_320 })
})
