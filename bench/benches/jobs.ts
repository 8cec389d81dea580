import { spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, jankins } from '../harness/bench.js'
import { startWorker } from '../harness/command.js'
import { addAction, startDaemon } from '../harness/daemon.js'
import { allComplete, queueJobs } from '../harness/jobs.js'
import { percentile } from '../harness/statistics.js'
import { ACTION } from '../load/queue.js'
import { hasTaskSpooler, TASK_SPOOLER, trueJobs } from '../peers/task-spooler.js'

const STARTS = 100
const PAUSE_MS = 20
const JOBS = 500
const SLOTS = 4

export const startLatency: Bench = {
  name: 'start-latency',
  doc: 'From the request that queues a job to the first byte that its own process writes.',
  target: 'p50 6 ms',
  subjects: [
    jankins(async scope => {
      const daemon = await startDaemon(scope)
      const path = join(scope.directory(), 'first-byte')
      spawnSync('mkfifo', [path])
      const pipe = new Socket({ fd: openSync(path, 'r+') })
      scope.onEnd(() => void pipe.destroy())
      await addAction(daemon.client, ACTION, { script: `echo >${path}` })
      await startWorker(scope, daemon)
      const times: number[] = []
      for (let start = 0; start < STARTS; start++) {
        const written = new Promise<number>(resolve => pipe.once('data', () => resolve(performance.now())))
        const sentAtMs = performance.now()
        const queued = queueJobs(daemon.client)
        times.push((await written) - sentAtMs)
        await allComplete(daemon.client, await queued)
        await sleep(PAUSE_MS)
      }
      return {
        p50: { value: percentile(times, 0.5), unit: 'ms', better: 'less' },
        p99: { value: percentile(times, 0.99), unit: 'ms', better: 'less' },
      }
    }),
  ],
}

export const true500: Bench = {
  name: `true-${JOBS}`,
  doc: `Jobs of \`true\` per second, ${JOBS} of them over one worker with --jobs ${SLOTS}, until all are complete.`,
  target: '500 jobs/s',
  subjects: [
    jankins(async scope => {
      const daemon = await startDaemon(scope)
      await startWorker(scope, daemon, SLOTS)
      await allComplete(daemon.client, await queueJobs(daemon.client, JOBS / 10))
      const sentAtMs = performance.now()
      await allComplete(daemon.client, await queueJobs(daemon.client, JOBS))
      return { rate: { value: JOBS / ((performance.now() - sentAtMs) / 1000), unit: '/s', better: 'more' } }
    }),
    {
      name: TASK_SPOOLER,
      isInstalled: hasTaskSpooler,
      measure: async scope => ({ rate: { value: await trueJobs(scope, JOBS, SLOTS), unit: '/s', better: 'more' } }),
    },
  ],
}
