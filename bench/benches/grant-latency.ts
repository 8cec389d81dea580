import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type Figures, jankins } from '../harness/bench.js'
import { startDaemon } from '../harness/daemon.js'
import { openFifo } from '../harness/fifo.js'
import { percentile } from '../harness/statistics.js'
import { beanstalkReplyBytes, deletion, PUT, RESERVE } from '../load/beanstalk.js'
import { bodyOf, gearmanReplyBytes, packet, TYPES, typeOf } from '../load/gearman.js'
import { openGrants, PAUSE_MS } from '../load/grant.js'
import { Line } from '../load/line.js'
import { PARAMETER } from '../load/queue.js'
import { BEANSTALKD, hasBeanstalkd, startBeanstalkd } from '../peers/beanstalkd.js'
import { BUILDBOT, hasBuildbot, startBuildbot } from '../peers/buildbot.js'
import { BULLMQ, connectionTo, hasBullmq, loadBullmq, startRedis } from '../peers/bullmq.js'
import { GEARMAND, hasGearmand, startGearmand } from '../peers/gearmand.js'

const JOBS = 400
/** As in WARM_UP: a daemon that has run for an hour has compiled what it does. */
const WARM_UP_JOBS = 3_000
/** Each of which takes a fifth of a second. */
const BUILDBOT_JOBS = 50

export const grantLatency: Bench = {
  name: 'grant-latency',
  doc: 'From the request that queues a job to the grant that a parked worker receives.',
  target: 'p50 0.3 ms, p99 1 ms; beside 2 hogs p50 3 ms',
  subjects: [
    jankins(async scope => {
      const grant = await openGrants(await startDaemon(scope))
      const { p50: firstP50 } = await latencies(grant)
      for (let job = 0; job < WARM_UP_JOBS; job++) await grant(0)
      return { ...(await latencies(grant)), ...(firstP50 && { 'p50 of the first jobs': firstP50 }) }
    }),
    {
      name: BEANSTALKD,
      isInstalled: hasBeanstalkd,
      async measure(scope) {
        const { port } = await startBeanstalkd(scope)
        const [person, worker] = [
          await Line.open(port, beanstalkReplyBytes),
          await Line.open(port, beanstalkReplyBytes),
        ]
        return await latencies(async () => {
          worker.send(RESERVE)
          await sleep(PAUSE_MS)
          const sentAtMs = performance.now()
          person.send(PUT)
          const reserved = await worker.reply()
          const tookMs = performance.now() - sentAtMs
          await person.reply()
          await worker.ask(deletion(reserved))
          return tookMs
        })
      },
    },
    {
      name: GEARMAND,
      isInstalled: hasGearmand,
      async measure(scope) {
        const { port } = await startGearmand(scope)
        const [person, worker] = [await Line.open(port, gearmanReplyBytes), await Line.open(port, gearmanReplyBytes)]
        worker.send(packet(TYPES.canDo, 'bench'))
        let jobs = 0
        return await latencies(async () => {
          worker.send(packet(TYPES.preSleep))
          await sleep(PAUSE_MS)
          const sentAtMs = performance.now()
          person.send(packet(TYPES.submitBackground, 'bench', String(jobs++), PARAMETER.value))
          // A worker is only woken, and has to ask for the job.
          while (typeOf(await worker.reply()) !== TYPES.noop);
          const assigned = await worker.ask(packet(TYPES.grabJob))
          const tookMs = performance.now() - sentAtMs
          if (typeOf(assigned) !== TYPES.jobAssign) throw new Error('gearmand had no job')
          await person.reply()
          worker.send(packet(TYPES.workComplete, bodyOf(assigned).split('\0')[0] ?? '', ''))
          return tookMs
        })
      },
    },
    {
      name: BULLMQ,
      isInstalled: hasBullmq,
      async measure(scope) {
        const { port } = await startRedis(scope)
        const { Queue, Worker } = loadBullmq()
        let seen: (atMs: number) => void = () => {}
        const queue = new Queue('bench', { connection: connectionTo(port) })
        const worker = new Worker('bench', async () => seen(performance.now()), { connection: connectionTo(port) })
        scope.onEnd(async () => {
          await worker.close(true)
          await queue.close()
        })
        await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()])
        return await latencies(async () => {
          await sleep(PAUSE_MS)
          const started = new Promise<number>(resolve => {
            seen = resolve
          })
          const sentAtMs = performance.now()
          await queue.add('job', PARAMETER)
          return (await started) - sentAtMs
        })
      },
    },
    {
      name: BUILDBOT,
      isInstalled: hasBuildbot,
      async measure(scope) {
        const fifo = openFifo(scope)
        const { build } = await startBuildbot(scope, { command: ['true'], granted: fifo.path })
        return await latencies(async () => {
          const sentAtMs = performance.now()
          const [grantedAtMs] = await Promise.all([fifo.written(), build(1)])
          return grantedAtMs - sentAtMs
        }, BUILDBOT_JOBS)
      },
    },
  ],
}

/** The first tenth warms up and does not count. */
async function latencies(once: () => Promise<number>, jobs = JOBS): Promise<Figures> {
  const times: number[] = []
  for (let job = 0; job < jobs * 1.1; job++) times.push(await once())
  const counted = times.slice(jobs * 0.1)
  return {
    p50: { value: percentile(counted, 0.5), unit: 'ms', better: 'less' },
    p99: { value: percentile(counted, 0.99), unit: 'ms', better: 'less' },
  }
}
