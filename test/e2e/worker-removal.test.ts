import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { openMachine } from '../../lib/worker/machine/linux.js'
import type { Machine } from '../../lib/worker/ports.js'
import { startBench, tempDir, until } from '../helpers/worker-bench.js'

t.test('the next job does not wait until the directory of the last one is gone, but removals are bounded', async t => {
  const bench = await startBench(t)
  const stateDir = await tempDir(t)
  const real = await openMachine({ stateDir, clock: systemClock, useCgroup: false })
  t.teardown(() => real.release())
  const waiting: (() => void)[] = []
  const machine: Machine = {
    ...real,
    attempts: {
      list: () => real.attempts.list(),
      async create(record) {
        const files = await real.attempts.create(record)
        const { remove } = files
        // Its own object goes on: the executor knows it.
        return Object.assign(files, {
          async remove() {
            await new Promise<void>(resolve => waiting.push(resolve))
            await remove()
          },
        })
      },
    },
  }
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => bench.exec({ command: ['true'] })))
  const working = await bench.work({ machine, mode: { kind: 'loop' } })
  t.match(await bench.ended(first!), { state: 'COMPLETE', exitCode: 0 })
  t.match(await bench.ended(second!), { state: 'COMPLETE', exitCode: 0 })
  await until('both are being removed', () => waiting.length === 2)
  t.match((await bench.admin.call('job.wait', { job: third!, waitMs: 1_000 })).job, { state: 'PENDING' })
  waiting.shift()?.()
  waiting.shift()?.()
  t.match(await bench.ended(third!), { state: 'COMPLETE', exitCode: 0 })
  working.drain()
  await until('the third is being removed', () => waiting.length === 1)
  waiting.shift()?.()
  await working.result
  t.strictSame(await readdir(join(stateDir, 'attempts')), [])
})
