import type { ErrorCode } from './errors.js'
import * as f from './fields.js'
import { HEARTBEAT_MS, LIMITS } from './limits.js'
import { bool, bytes, choice, doc, float, type Infer, int, list, obj, opt, type Schema, text } from './schema.js'
import { actionView, definitionFields, grant, jobView, userView, workerView } from './views.js'

const CHUNK = LIMITS.chunkBytesMax.value
const everyone = ['admin', 'user', 'worker', 'reader'] as const
const users = ['admin', 'user'] as const
const workers = ['admin', 'worker'] as const
const admins = ['admin'] as const

const chunk = bytes(0, CHUNK)
const scramMessage = bytes(1, 4_096)
/** What the daemon keeps of a password: nothing that could be used to log in. RFC 5802 §3. */
const credential = {
  salt: bytes(16, 64),
  iterations: int(LIMITS.scramIterationsMin.value, LIMITS.scramIterationsMax.value),
  storedKey: bytes(32, 32),
  serverKey: bytes(32, 32),
}
const held = { job: f.jobId, lease: f.leaseId }
const lengths = {
  stdoutBytes: doc('bytes that the daemon has', f.byteCount),
  stderrBytes: doc('bytes that the daemon has', f.byteCount),
  artifactsBytes: doc('bytes that the daemon has', f.byteCount),
}

interface MethodShape {
  readonly doc: string
  /** Who may call it; `none` only before authentication. */
  readonly roles: readonly (f.Role | 'none')[]
  readonly since: number
  readonly params: Schema<unknown>
  readonly result: Schema<unknown>
  /** Beside those that any method may answer with: E_BAD_REQUEST, E_FORBIDDEN, E_TOO_MANY, E_DRAINING, E_INTERNAL. */
  readonly errors: readonly ErrorCode[]
}

/** The one table: handlers, client types, the command line's help and PROTOCOL.md §7 follow from it. */
export const METHODS = {
  'auth.start': {
    doc: 'First message of SCRAM-SHA-256 (RFC 5802, RFC 7677).',
    roles: ['none'],
    since: 1,
    params: obj({
      protocol: doc('major version that the client speaks', int(1, 1_000)),
      client: doc('program and release, for the log', text(64)),
      mechanism: choice('SCRAM-SHA-256'),
      data: doc('client-first-message', scramMessage),
    }),
    result: obj({ data: doc('server-first-message', scramMessage) }),
    errors: ['E_VERSION', 'E_AUTH'],
  },
  'auth.finish': {
    doc: 'Second message. After its reply the session is ready; one request may be sent behind it without waiting.',
    roles: ['none'],
    since: 1,
    params: obj({ data: doc('client-final-message', scramMessage) }),
    result: obj({
      data: doc('server-final-message', scramMessage),
      role: f.role,
      server: doc('program and release', text(64)),
      frameBytesMax: doc('largest frame that the daemon receives from now on', f.byteCount),
      nowMs: doc('clock of the daemon', f.timeMs),
    }),
    errors: ['E_AUTH'],
  },
  'user.add': {
    doc: 'Makes an account.',
    roles: admins,
    since: 1,
    params: obj({ user: f.name, role: f.role, mayExec: opt(bool), ...credential }),
    result: obj({}),
    errors: ['E_USER_EXISTS'],
  },
  'user.list': {
    doc: 'Accounts by name.',
    roles: admins,
    since: 1,
    params: obj({ after: opt(f.name), limit: opt(f.pageLimit) }),
    result: obj({ users: list(userView, LIMITS.pageRowsMax.value), next: opt(f.name) }),
    errors: [],
  },
  'user.disable': {
    doc: 'The account can no longer authenticate. The name and the history stay.',
    roles: admins,
    since: 1,
    params: obj({ user: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_USER_NOT_FOUND', 'E_LAST_ADMIN'],
  },
  'user.enable': {
    doc: 'The account can authenticate again.',
    roles: admins,
    since: 1,
    params: obj({ user: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_USER_NOT_FOUND'],
  },
  'user.passwd': {
    doc: 'Replaces the password of the caller, or of any account for an admin.',
    roles: everyone,
    since: 1,
    params: obj({ user: opt(doc('the caller by default', f.name)), ...credential }),
    result: obj({}),
    errors: ['E_USER_NOT_FOUND'],
  },
  'action.add': {
    doc: 'Defines an action. The same definition again changes nothing; another one needs `replace`.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name, replace: opt(bool), ...definitionFields }),
    result: obj({ changed: bool }),
    errors: ['E_ACTION_EXISTS'],
  },
  'action.list': {
    doc: 'Actions by name.',
    roles: everyone,
    since: 1,
    params: obj({ action: opt(doc('only this one', f.name)), after: opt(f.name), limit: opt(f.pageLimit) }),
    result: obj({ actions: list(actionView, LIMITS.pageRowsMax.value), next: opt(f.name) }),
    errors: ['E_ACTION_NOT_FOUND'],
  },
  'action.enable': {
    doc: 'Jobs of the action may be queued and start.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_ACTION_NOT_FOUND'],
  },
  'action.disable': {
    doc: 'No job of the action is queued or starts; running ones go on, queued ones wait.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_ACTION_NOT_FOUND'],
  },
  'bundle.write': {
    doc: 'Sends files that travel with a job, as a zip, in chunks. With offset 0 and no data it asks what is there.',
    roles: users,
    since: 1,
    params: obj({
      sha256: f.sha256,
      totalBytes: int(1, LIMITS.bundleBytesMax.value),
      offset: f.byteCount,
      data: chunk,
    }),
    result: obj({ length: doc('bytes that the daemon has', f.byteCount), complete: bool }),
    errors: ['E_OFFSET', 'E_CHECKSUM', 'E_STORE_FULL'],
  },
  'bundle.read': {
    doc: 'Bytes of a bundle; a worker may read those of the jobs that it holds.',
    roles: workers,
    since: 1,
    params: obj({ ...held, offset: f.byteCount, bytesMax: f.chunkBytes }),
    result: obj({ data: chunk, totalBytes: f.byteCount }),
    errors: ['E_LEASE_LOST', 'E_BUNDLE_NOT_FOUND'],
  },
  'job.queue': {
    doc: 'Queues jobs of an action. The reply is sent when they are durable.',
    roles: users,
    since: 1,
    params: obj({
      action: f.name,
      key: f.requestKey,
      parameters: opt(f.environment),
      priority: opt(doc('the action’s by default', f.priority)),
      bundle: opt(f.sha256),
      count: opt(doc('1 by default', int(1, LIMITS.jobsPerQueueMax.value))),
    }),
    result: obj({ jobs: list(f.jobId, LIMITS.jobsPerQueueMax.value) }),
    errors: ['E_ACTION_NOT_FOUND', 'E_ACTION_DISABLED', 'E_BUNDLE_NOT_FOUND', 'E_KEY_REUSED', 'E_STORE_FULL'],
  },
  'job.exec': {
    doc: 'Queues a job without an action. Admins, and users who may.',
    roles: users,
    since: 1,
    params: obj({ key: f.requestKey, bundle: opt(f.sha256), ...definitionFields }),
    result: obj({ job: f.jobId }),
    errors: ['E_BUNDLE_NOT_FOUND', 'E_KEY_REUSED', 'E_STORE_FULL'],
  },
  'job.retry': {
    doc: 'Queues a new job like one that has ended.',
    roles: users,
    since: 1,
    params: obj({ job: f.jobId, key: f.requestKey }),
    result: obj({ job: f.jobId }),
    errors: [
      'E_JOB_NOT_FOUND',
      'E_JOB_NOT_FINISHED',
      'E_ACTION_DISABLED',
      'E_BUNDLE_NOT_FOUND',
      'E_KEY_REUSED',
      'E_STORE_FULL',
    ],
  },
  'job.query': {
    doc: 'Jobs, newest first, that fit every filter given. A page may be short or empty and still have a next one.',
    roles: everyone,
    since: 1,
    params: obj({
      jobs: opt(doc('only these', list(f.jobId, LIMITS.pageRowsMax.value))),
      state: opt(f.jobState),
      action: opt(f.name),
      user: opt(f.name),
      worker: opt(f.name),
      pid: opt(int(1, 2 ** 31)),
      after: opt(doc('`next` of the page before', f.jobId)),
      limit: opt(f.pageLimit),
    }),
    result: obj({ jobs: list(jobView, LIMITS.pageRowsMax.value), next: opt(f.jobId) }),
    errors: ['E_JOB_NOT_FOUND', 'E_ACTION_NOT_FOUND', 'E_USER_NOT_FOUND'],
  },
  'job.wait': {
    doc: 'Answers when the job has ended, or with its state as it is after waitMs.',
    roles: everyone,
    since: 1,
    params: obj({ job: f.jobId, waitMs: f.waitMs }),
    result: obj({ job: jobView }),
    errors: ['E_JOB_NOT_FOUND'],
  },
  'job.log': {
    doc: 'Bytes of the log at an offset: of one stream, or of both in the order of their arrival.',
    roles: everyone,
    since: 1,
    params: obj({
      job: f.jobId,
      attempt: opt(doc('the last one by default', f.attempt)),
      stream: choice('stdout', 'stderr', 'all'),
      offset: doc('counts the bytes of that stream, or of both', f.byteCount),
      bytesMax: f.chunkBytes,
      waitMs: opt(doc('park this long when there is nothing more yet', f.waitMs)),
    }),
    result: obj({
      attempt: f.attempt,
      chunks: doc('in order', list(obj({ stream: choice('stdout', 'stderr'), data: chunk }), 1_024)),
      next: doc('offset after the last chunk', f.byteCount),
      ended: doc('the attempt has ended and nothing is left to read', bool),
    }),
    errors: ['E_JOB_NOT_FOUND'],
  },
  'job.stop': {
    doc: 'Cancels a job that waits, stops one that runs, leaves one that has ended as it is.',
    roles: users,
    since: 1,
    params: obj({ job: f.jobId }),
    result: obj({
      state: doc('after the request', f.jobState),
      requested: doc('the job will end because of it', bool),
    }),
    errors: ['E_JOB_NOT_FOUND'],
  },
  'artifact.read': {
    doc: 'Bytes of the zip that holds the artifacts.',
    roles: everyone,
    since: 1,
    params: obj({ job: f.jobId, offset: f.byteCount, bytesMax: f.chunkBytes }),
    result: obj({ data: chunk, totalBytes: f.byteCount, sha256: f.sha256 }),
    errors: ['E_JOB_NOT_FOUND', 'E_JOB_NOT_FINISHED', 'E_NO_ARTIFACTS'],
  },
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
  'job.claim': {
    doc: 'Asks for a job and parks until there is one or waitMs is over. request.cancel ends the wait.',
    roles: workers,
    since: 1,
    params: obj({ claim: f.claimId, waitMs: f.waitMs }),
    result: obj({ grant: opt(doc('missing when there was no job', grant)) }),
    errors: ['E_NOT_ATTACHED', 'E_CANCELLED'],
  },
  'job.acknowledge': {
    doc: 'Takes the job: it is RUNNING from the reply on, and only then may be started.',
    roles: workers,
    since: 1,
    params: obj(held),
    result: obj({}),
    errors: ['E_NOT_ATTACHED', 'E_LEASE_LOST', 'E_STORE_FULL'],
  },
  'job.decline': {
    doc: 'Gives a grant back that was not acknowledged.',
    roles: workers,
    since: 1,
    params: obj(held),
    result: obj({}),
    errors: ['E_NOT_ATTACHED', 'E_LEASE_LOST'],
  },
  'job.resume': {
    doc: 'Holds a lease on this connection: after a reconnect on the attached one, and on one that only ships bytes.',
    roles: workers,
    since: 1,
    params: obj(held),
    result: obj({ ...lengths, stop: doc('the job is to be stopped', bool) }),
    errors: ['E_LEASE_LOST'],
  },
  'job.started': {
    doc: 'Tells for the record that the shell of the job runs.',
    roles: workers,
    since: 1,
    params: obj({ ...held, pid: int(1, 2 ** 31) }),
    result: obj({}),
    errors: ['E_LEASE_LOST'],
  },
  'job.append': {
    doc: 'Adds bytes where the stored ones end. What is stored already is skipped; a gap is E_OFFSET.',
    roles: workers,
    since: 1,
    params: obj({ ...held, part: choice(...f.PARTS), offset: f.byteCount, data: chunk }),
    result: obj({
      length: doc('bytes that the daemon has', f.byteCount),
      durableLength: doc('bytes that a power loss cannot take', f.byteCount),
    }),
    errors: ['E_LEASE_LOST', 'E_OFFSET', 'E_BUSY', 'E_LOG_LIMIT', 'E_STORE_FULL'],
  },
  'job.finish': {
    doc: 'Ends the job. The reply is sent when log, artifacts and state are durable; only then may the worker delete its copy.',
    roles: workers,
    since: 1,
    params: obj({
      ...held,
      exitCode: opt(doc('missing when the shell vanished without a status', int(0, 255))),
      signal: opt(f.signal),
      reason: opt(doc('what the worker ended it for; missing when it ended by itself', f.reason)),
      stdout: doc(
        'length and CRC-32 of the whole stream; `tail` are the bytes from the stored length on',
        part('smallLogBytesMax'),
      ),
      stderr: part('smallLogBytesMax'),
      artifacts: opt(obj({ bytes: f.byteCount, sha256: f.sha256 })),
      treeLayer: opt(f.treeLayer),
    }),
    result: obj({ state: f.jobState }),
    errors: ['E_LEASE_LOST', 'E_OFFSET', 'E_BUSY', 'E_CHECKSUM', 'E_STORE_FULL'],
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
      claimsParked: f.count,
      memoryBytes: f.byteCount,
    }),
    errors: [],
  },
} as const satisfies Record<string, MethodShape>

function part(limit: 'smallLogBytesMax') {
  return obj({
    bytes: f.byteCount,
    crc32: int(0, 2 ** 32 - 1),
    tail: opt(bytes(0, LIMITS[limit].value)),
  })
}

/** Errors that any method may answer with. */
export const COMMON_ERRORS = [
  'E_BAD_REQUEST',
  'E_FORBIDDEN',
  'E_NOT_AUTHENTICATED',
  'E_TOO_MANY',
  'E_DRAINING',
  'E_INTERNAL',
] as const satisfies readonly ErrorCode[]

export type Method = keyof typeof METHODS
export type Params<M extends Method> = Infer<(typeof METHODS)[M]['params']>
export type Result<M extends Method> = Infer<(typeof METHODS)[M]['result']>

export const isMethod = (name: string): name is Method => Object.hasOwn(METHODS, name)

/** Notices have no answer. */
export const NOTICES = {
  'request.cancel': {
    doc: 'From the client: the parked request of this id is to be answered now.',
    params: obj({ request: doc('id of the request', int(0, 2 ** 32 - 1)) }),
  },
} as const
