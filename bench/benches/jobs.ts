import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type Figures, jankins } from '../harness/bench.js'
import { startWorker } from '../harness/command.js'
import { addAction, startDaemon } from '../harness/daemon.js'
import { type Fifo, openFifo } from '../harness/fifo.js'
import { allComplete, queueJobs } from '../harness/jobs.js'
import { percentile } from '../harness/statistics.js'
import { ACTION } from '../load/queue.js'
import { BUILDBOT, hasBuildbot, startBuildbot } from '../peers/buildbot.js'
import { hasLaminar, LAMINAR, startLaminar } from '../peers/laminar.js'
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
      const [daemon, fifo] = [await startDaemon(scope), openFifo(scope)]
      await addAction(daemon.client, ACTION, { script: writeTo(fifo) })
      await startWorker(scope, daemon)
      return await startTimes(fifo, async () => await allComplete(daemon.client, await queueJobs(daemon.client)))
    }),
    {
      name: LAMINAR,
      isInstalled: hasLaminar,
      async measure(scope) {
        const fifo = openFifo(scope)
        const { ask } = await startLaminar(scope, writeTo(fifo))
        return await startTimes(fifo, () => ask('run'))
      },
    },
    {
      name: BUILDBOT,
      isInstalled: hasBuildbot,
      async measure(scope) {
        const fifo = openFifo(scope)
        const { build } = await startBuildbot(scope, { command: ['sh', '-c', writeTo(fifo)] })
        return await startTimes(fifo, () => build(1))
      },
    },
  ],
}

const writeTo = ({ path }: Fifo): string => `echo >${path}`

/** @param run queues a job that writes to `fifo`, and resolves when it has ended */
async function startTimes(fifo: Fifo, run: () => Promise<unknown>): Promise<Figures> {
  const times: number[] = []
  for (let start = 0; start < STARTS; start++) {
    const sentAtMs = performance.now()
    const [writtenAtMs] = await Promise.all([fifo.written(), run()])
    times.push(writtenAtMs - sentAtMs)
    await sleep(PAUSE_MS)
  }
  return {
    p50: { value: percentile(times, 0.5), unit: 'ms', better: 'less' },
    p99: { value: percentile(times, 0.99), unit: 'ms', better: 'less' },
  }
}

export const true500: Bench = {
  name: `true-${JOBS}`,
  doc: `Jobs of \`true\` per second, ${JOBS} of them over one worker with --jobs ${SLOTS}, until all are complete.`,
  target: '500 jobs/s',
  subjects: [
    jankins(async scope => {
      const daemon = await startDaemon(scope)
      await startWorker(scope, daemon, SLOTS)
      return await rateOf(async count => await allComplete(daemon.client, await queueJobs(daemon.client, count)))
    }),
    {
      name: LAMINAR,
      isInstalled: hasLaminar,
      async measure(scope) {
        const { ask } = await startLaminar(scope, 'exec true', SLOTS)
        return await rateOf(count => ask('run', count))
      },
    },
    {
      name: BUILDBOT,
      isInstalled: hasBuildbot,
      async measure(scope) {
        const { build } = await startBuildbot(scope, { command: ['true'], slots: SLOTS })
        return await rateOf(build)
      },
    },
    {
      name: TASK_SPOOLER,
      isInstalled: hasTaskSpooler,
      measure: async scope => ({ rate: { value: await trueJobs(scope, JOBS, SLOTS), unit: '/s', better: 'more' } }),
    },
  ],
}

/** @param run queues so many jobs, and resolves when all have ended */
async function rateOf(run: (count: number) => Promise<unknown>): Promise<Figures> {
  await run(JOBS / 10)
  const sentAtMs = performance.now()
  await run(JOBS)
  return { rate: { value: JOBS / ((performance.now() - sentAtMs) / 1000), unit: '/s', better: 'more' } }
}
