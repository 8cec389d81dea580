import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bool, choice, doc, int, list, obj, opt } from '../schema.js'
import { definitionFields, jobView } from '../views.js'
import { chunk, everyone, type MethodRows, users } from './shape.js'

/** What people do with jobs. Rows of the method table, ../methods.ts. */
export const JOBS_METHODS = {
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
      'E_JOB_DAMAGED',
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
} as const satisfies MethodRows
