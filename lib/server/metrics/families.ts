/** What Prometheus is told of a family of counters, by its name there. In the order in which they are shown. */
export const COUNTER_FAMILIES = {
  jankins_jobs_queued_total: 'Jobs that were queued, new attempts not counted.',
  jankins_jobs_ended_total: 'Jobs that ended, by state and reason.',
  jankins_leases_expired_total: 'Attempts that ended because their worker was not heard of for as long as the lease.',
  jankins_heartbeats_total: 'Heartbeats of workers that were answered.',
  jankins_connections_accepted_total: 'Connections that were let in.',
  jankins_connections_refused_total: 'Connections that a limit on their number has turned away.',
  jankins_logins_failed_total: 'Logins and registrations that were refused.',
  jankins_received_bytes_total: 'Bytes of logs, artifacts and bundles that came in; what is sent again counts again.',
  jankins_sent_bytes_total: 'Bytes of logs, artifacts and bundles that were asked for.',
} as const

/** One number each, with the labels that tell it from the others of its family: none of them names a user's thing. */
export const COUNTERS = {
  queued: { family: 'jankins_jobs_queued_total', labels: {} },
  succeeded: { family: 'jankins_jobs_ended_total', labels: { state: 'COMPLETE', reason: 'succeeded' } },
  failed: { family: 'jankins_jobs_ended_total', labels: { state: 'COMPLETE', reason: 'failed' } },
  killed: { family: 'jankins_jobs_ended_total', labels: { state: 'COMPLETE', reason: 'killed' } },
  notStarted: { family: 'jankins_jobs_ended_total', labels: { state: 'COMPLETE', reason: 'not-started' } },
  timeLimit: { family: 'jankins_jobs_ended_total', labels: { state: 'TIMEOUT', reason: 'time-limit' } },
  workerLost: { family: 'jankins_jobs_ended_total', labels: { state: 'TIMEOUT', reason: 'worker-lost' } },
  stopped: { family: 'jankins_jobs_ended_total', labels: { state: 'CANCELLED', reason: 'stopped' } },
  logLimit: { family: 'jankins_jobs_ended_total', labels: { state: 'CANCELLED', reason: 'log-limit' } },
  stoppedAndLost: { family: 'jankins_jobs_ended_total', labels: { state: 'CANCELLED', reason: 'worker-lost' } },
  workerDisabled: { family: 'jankins_jobs_ended_total', labels: { state: 'CANCELLED', reason: 'worker-disabled' } },
  leaseExpired: { family: 'jankins_leases_expired_total', labels: {} },
  heartbeat: { family: 'jankins_heartbeats_total', labels: {} },
  connectionAccepted: { family: 'jankins_connections_accepted_total', labels: {} },
  connectionRefused: { family: 'jankins_connections_refused_total', labels: {} },
  loginFailed: { family: 'jankins_logins_failed_total', labels: {} },
  logReceivedBytes: { family: 'jankins_received_bytes_total', labels: { kind: 'log' } },
  artifactReceivedBytes: { family: 'jankins_received_bytes_total', labels: { kind: 'artifact' } },
  bundleReceivedBytes: { family: 'jankins_received_bytes_total', labels: { kind: 'bundle' } },
  logSentBytes: { family: 'jankins_sent_bytes_total', labels: { kind: 'log' } },
  artifactSentBytes: { family: 'jankins_sent_bytes_total', labels: { kind: 'artifact' } },
  bundleSentBytes: { family: 'jankins_sent_bytes_total', labels: { kind: 'bundle' } },
} as const satisfies Record<string, CounterRow>
export type Counter = keyof typeof COUNTERS

interface CounterRow {
  readonly family: keyof typeof COUNTER_FAMILIES
  readonly labels: Labels
}
export type Labels = Readonly<Record<string, string>>

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const FAST_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000]
const SLOW_MS = [
  ...[5, 25, 100, 500, SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE],
  ...[HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR],
]

/** Times that are sorted into buckets, by the highest time of each. */
export const HISTOGRAMS = {
  queueWait: {
    name: 'jankins_job_queue_wait_seconds',
    help: 'From when a job was queued until its first attempt was given to a worker.',
    boundsMs: SLOW_MS,
  },
  dispatch: {
    name: 'jankins_job_dispatch_seconds',
    help: 'From when a job could run and a worker waited for one, as the writer thread heard of it, until the grant.',
    boundsMs: FAST_MS,
  },
  commit: {
    name: 'jankins_store_commit_seconds',
    help: 'Time to make a group of writes durable, with their lines in the audit log.',
    boundsMs: FAST_MS,
  },
} as const satisfies Record<string, HistogramRow>
export type Histogram = keyof typeof HISTOGRAMS

interface HistogramRow {
  readonly name: string
  readonly help: string
  /** Rising. */
  readonly boundsMs: readonly number[]
}
