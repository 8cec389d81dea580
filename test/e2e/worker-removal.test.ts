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
  const jobs = await Promise.all([1, 2, 3, 4].map(() => bench.exec({ command: ['true'] })))
  const last = jobs.pop()!
  const working = await bench.work({ machine, mode: { kind: 'loop' } })
  for (const job of jobs) t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 0 })
  await until('all three are being removed', () => waiting.length === 3)
  t.match((await bench.admin.call('job.wait', { job: last, waitMs: 1_000 })).job, { state: 'PENDING' })
  for (const remove of waiting.splice(0)) remove()
  t.match(await bench.ended(last), { state: 'COMPLETE', exitCode: 0 })
  working.drain()
  await until('the last one is being removed', () => waiting.length === 1)
  waiting.shift()?.()
  await working.result
  t.strictSame(await readdir(join(stateDir, 'attempts')), [])
})
