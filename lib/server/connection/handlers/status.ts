import type { Params, Result } from '../../../../protocol/methods.js'
import { JANKINS_VERSION } from '../../../../protocol/version.js'
import { COUNTERS, type Counter, type Histogram } from '../../metrics/families.js'
import { quantileMs, type ReadableMetrics } from '../../metrics/metrics.js'
import type { Call } from '../call.js'

export async function showStatus(_: Params<'server.status'>, call: Call): Promise<Result<'server.status'>> {
  const { services } = call
  const counters = await services.writer.counters()
  const threads = services.threadConnections()
  return {
    version: JANKINS_VERSION,
    startedAtMs: services.startedAtMs,
    nowMs: services.clock.nowMs(),
    connections: threads.reduce((sum, thread) => sum + thread.connections, 0),
    threads,
    pending: counters.pending,
    running: counters.running,
    workers: counters.workers,
    workersSuspect: counters.liveness.suspect,
    claimsParked: counters.claimsParked,
    memoryBytes: process.memoryUsage.rss(),
    ...countsOf(services.metrics),
    ...timesOf(services.metrics),
  }
}

const ENDS = (Object.keys(COUNTERS) as Counter[]).filter(
  counter => COUNTERS[counter].family === 'jankins_jobs_ended_total',
)

const countsOf = ({ counted }: ReadableMetrics) => ({
  jobsQueued: counted('queued'),
  jobsEnded: ENDS.reduce((sum, counter) => sum + counted(counter), 0),
  leasesExpired: counted('leaseExpired'),
  heartbeats: counted('heartbeat'),
  connectionsAccepted: counted('connectionAccepted'),
  connectionsRefused: counted('connectionRefused'),
  loginsFailed: counted('loginFailed'),
  logReceivedBytes: counted('logReceivedBytes'),
  logSentBytes: counted('logSentBytes'),
  artifactReceivedBytes: counted('artifactReceivedBytes'),
  artifactSentBytes: counted('artifactSentBytes'),
})

function timesOf(metrics: ReadableMetrics) {
  const [queueWait, dispatch, commit] = (['queueWait', 'dispatch', 'commit'] as const).map(name =>
    quantilesOf(metrics, name),
  )
  return {
    ...(queueWait && { queueWaitP50Ms: queueWait.p50Ms, queueWaitP99Ms: queueWait.p99Ms }),
    ...(dispatch && { dispatchP50Ms: dispatch.p50Ms, dispatchP99Ms: dispatch.p99Ms }),
    ...(commit && { commitP50Ms: commit.p50Ms, commitP99Ms: commit.p99Ms }),
  }
}

function quantilesOf(metrics: ReadableMetrics, histogram: Histogram): { p50Ms: number; p99Ms: number } | undefined {
  const observed = metrics.observed(histogram)
  const [p50Ms, p99Ms] = [quantileMs(observed, 0.5), quantileMs(observed, 0.99)]
  return p50Ms === undefined || p99Ms === undefined ? undefined : { p50Ms, p99Ms }
}
