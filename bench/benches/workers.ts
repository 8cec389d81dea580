import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type Figures, jankins } from '../harness/bench.js'
import { startWorker } from '../harness/command.js'
import { type Daemon, startDaemon } from '../harness/daemon.js'
import { cpuSecondsOf, memoryOf } from '../harness/machine.js'
import type { Scope } from '../harness/scope.js'
import { runLoad } from '../load/run.js'
import { BUILDBOT, hasBuildbot, startBuildbot } from '../peers/buildbot.js'
import { hasLaminar, LAMINAR, startLaminar } from '../peers/laminar.js'

const WORKERS = 5_000
const PROCESSES = 4
const JOBS_PER_SECOND = 200
/** V8 tidies up after a start, for twenty seconds. */
const SETTLE_MS = 25_000
const IDLE_SECONDS = 10

/** @param isWorking with JOBS_PER_SECOND jobs queued, claimed and finished beside the beats */
function heartbeatBench(isWorking: boolean): Bench {
  return {
    name: isWorking ? 'heartbeats-jobs' : 'heartbeats',
    doc: `${WORKERS} workers that beat every 500 ms${isWorking ? `, ${JOBS_PER_SECOND} jobs/s beside them` : ''}; --seconds 60 for the record.`,
    target: 'no beat answered later than 100 ms; below a third of a core and 30 KB for each connection',
    subjects: [
      jankins(async (scope, { seconds = 10 }) => {
        const daemon = await startDaemon(scope)
        const before = memoryOf(daemon.pid)
        let connected = 0
        const order = {
          kind: 'beat',
          port: daemon.port,
          account: daemon.account,
          connections: WORKERS,
          seconds,
        } as const
        let cpuSeconds = 0
        let passing: Promise<void> | undefined
        const load = await runLoad(scope, order, PROCESSES, () => {
          connected = memoryOf(daemon.pid)
          cpuSeconds = -cpuSecondsOf(daemon.pid)
          if (isWorking) passing = passJobs(scope, daemon, seconds)
          // Told of below, when the beats are over.
          passing?.catch(() => {})
        })
        cpuSeconds += cpuSecondsOf(daemon.pid)
        await passing
        return {
          'latest answer': { value: load.max, unit: 'ms', better: 'less' },
          p99: { value: load.p99, unit: 'ms', better: 'less' },
          cores: { value: cpuSeconds / seconds, unit: '', better: 'less' },
          'memory per connection': { value: ((connected - before) * 1024) / WORKERS, unit: 'KiB', better: 'less' },
          'beats per second': { value: load.operations / seconds, unit: '/s' },
          load: { value: load.cpuSeconds / seconds, unit: 'cores' },
        }
      }),
    ],
  }
}

export const heartbeats = heartbeatBench(false)
export const heartbeatsJobs = heartbeatBench(true)

async function passJobs(scope: Scope, { port, account }: Daemon, seconds: number): Promise<void> {
  const paced = { port, account, connections: 2, seconds, operationsPerSecond: JOBS_PER_SECOND }
  await Promise.all([
    runLoad(scope, { ...paced, kind: 'queue' }, 1),
    // A worker whose claim finds nothing would wait beyond the end of the bench: it does fewer than there are.
    runLoad(scope, { ...paced, kind: 'finish', operationsMax: JOBS_PER_SECOND * (seconds - 1) }, 1),
  ])
}

export const idle: Bench = {
  name: 'idle',
  doc: `Daemon and attached worker with nothing to do, for ${IDLE_SECONDS} s.`,
  target: '90 MB and 70 MB, below 0.5 % of a core each',
  subjects: [
    jankins(async scope => {
      const daemon = await startDaemon(scope)
      const worker = await startWorker(scope, daemon)
      return await idleFigures({ daemon: daemon.pid, worker: worker.pid! })
    }),
    {
      name: LAMINAR,
      isInstalled: hasLaminar,
      async measure(scope) {
        const { pid } = await startLaminar(scope, 'exec true')
        return await idleFigures({ daemon: pid })
      },
    },
    {
      name: BUILDBOT,
      isInstalled: hasBuildbot,
      async measure(scope) {
        const { master, worker } = await startBuildbot(scope, { command: ['true'] })
        return await idleFigures({ daemon: master, worker })
      },
    },
  ],
}

/** Of processes by what they are. */
async function idleFigures(pids: Readonly<Record<string, number>>): Promise<Figures> {
  const processes = Object.entries(pids)
  await sleep(SETTLE_MS)
  const before = processes.map(([, pid]) => cpuSecondsOf(pid))
  await sleep(IDLE_SECONDS * 1000)
  const cpu = processes.map(([, pid], index) => ((cpuSecondsOf(pid) - before[index]!) / IDLE_SECONDS) * 100)
  return {
    ...Object.fromEntries(
      processes.map(([name, pid]) => [name, { value: memoryOf(pid), unit: 'MiB', better: 'less' } as const]),
    ),
    ...Object.fromEntries(processes.map(([name], index) => [`cpu of the ${name}`, { value: cpu[index]!, unit: '%' }])),
  }
}
