import * as f from '../fields.js'
import { HEARTBEAT_MS, LIMITS } from '../limits.js'
import { bool, doc, float, int, list, obj, opt, text } from '../schema.js'
import { workerView } from '../views.js'
import { everyone, type MethodRows, workers } from './shape.js'

const aboutMs = float(0, 1e12)

/** Of server.status; counted since `startedAtMs`. The times are estimates, and are missing when there was none. */
const sinceStart = {
  jobsQueued: opt(doc('since the start, as all that follows', f.count)),
  jobsEnded: opt(f.count),
  leasesExpired: opt(doc('attempts whose worker was not heard of for as long as the lease', f.count)),
  heartbeats: opt(f.count),
  connectionsAccepted: opt(f.count),
  connectionsRefused: opt(doc('turned away by a limit on their number', f.count)),
  loginsFailed: opt(f.count),
  logReceivedBytes: opt(doc('what is sent again counts again', f.byteCount)),
  logSentBytes: opt(f.byteCount),
  artifactReceivedBytes: opt(f.byteCount),
  artifactSentBytes: opt(f.byteCount),
  queueWaitP50Ms: opt(doc('half of the jobs waited no longer for their first attempt', aboutMs)),
  queueWaitP99Ms: opt(doc('99 of 100 jobs waited no longer', aboutMs)),
  dispatchP50Ms: opt(doc('from when a job could run and a worker waited for one, until the grant', aboutMs)),
  dispatchP99Ms: opt(aboutMs),
  commitP50Ms: opt(doc('to make a group of writes durable', aboutMs)),
  commitP99Ms: opt(aboutMs),
} as const

/** Workers as a whole, and the daemon. Rows of the method table, ../methods.ts. */
export const SERVER_METHODS = {
  'worker.attach': {
    doc: 'Makes this connection the one over which a worker claims and beats.',
    roles: workers,
    since: 1,
    params: obj({
      worker: f.name,
      instance: f.instanceId,
      labels: f.labels,
      slots: doc('jobs that it runs at once', int(1, LIMITS.slotsMax.value)),
      version: text(64),
    }),
    result: obj({ heartbeatMs: doc(`always ${HEARTBEAT_MS}`, f.durationMs), grantMs: f.durationMs }),
    errors: ['E_WORKER_NAME_TAKEN'],
  },
  'worker.beat': {
    doc: 'Sent every 500 ms, idle or not, with all leases. Waits for no disk. A lease that is named in neither list of the reply was renewed.',
    roles: workers,
    since: 1,
    params: obj({
      leases: list(f.leaseId, LIMITS.slotsMax.value),
      free: doc('slots without a job', int(0, LIMITS.slotsMax.value)),
      load: doc('one-minute load average', float(0, 1e6)),
    }),
    result: obj({
      stop: doc('renewed, and its job is to be stopped', list(f.leaseId, LIMITS.slotsMax.value)),
      lost: doc('not held by this connection: resume it, or end the job', list(f.leaseId, LIMITS.slotsMax.value)),
    }),
    errors: ['E_NOT_ATTACHED'],
  },
  'worker.list': {
    doc: 'Workers that are attached or were lately.',
    roles: everyone,
    since: 1,
    params: obj({ after: opt(f.name), limit: opt(f.pageLimit) }),
    result: obj({ workers: list(workerView, LIMITS.pageRowsMax.value), next: opt(f.name) }),
    errors: [],
  },
  'worker.drain': {
    doc: 'The worker of this name gets no new job, also after a start of the daemon, until worker.undrain. An account of role worker may name its own workers only.',
    roles: workers,
    since: 1,
    params: obj({ worker: f.name }),
    result: obj({ changed: bool, jobs: doc('that it still holds', list(f.jobId, LIMITS.slotsMax.value)) }),
    errors: ['E_WORKER_NOT_FOUND', 'E_STORE_FULL'],
  },
  'worker.undrain': {
    doc: 'The worker of this name gets jobs again.',
    roles: workers,
    since: 1,
    params: obj({ worker: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_WORKER_NOT_FOUND', 'E_STORE_FULL'],
  },
  'server.status': {
    doc: 'What the daemon is doing.',
    roles: everyone,
    since: 1,
    params: obj({}),
    result: obj({
      version: text(64),
      startedAtMs: f.timeMs,
      nowMs: f.timeMs,
      connections: f.count,
      threads: list(obj({ thread: f.count, connections: f.count }), 10_000),
      pending: f.count,
      running: f.count,
      workers: f.count,
      workersSuspect: opt(doc('as in worker.list', f.count)),
      claimsParked: f.count,
      memoryBytes: f.byteCount,
      ...sinceStart,
    }),
    errors: [],
  },
} as const satisfies MethodRows
