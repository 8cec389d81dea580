import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bool, bytes, choice, doc, int, obj, opt } from '../schema.js'
import { grant } from '../views.js'
import { chunk, held, type MethodRows, workers } from './shape.js'

const lengths = {
  stdoutBytes: doc('bytes that the daemon has', f.byteCount),
  stderrBytes: doc('bytes that the daemon has', f.byteCount),
  artifactsBytes: doc('bytes that the daemon has', f.byteCount),
}
const wholeStream = obj({
  bytes: f.byteCount,
  crc32: int(0, 2 ** 32 - 1),
  tail: opt(bytes(0, LIMITS.smallLogBytesMax.value)),
})
const pid = int(1, 2 ** 31)
const secrets = opt(doc('variables of the job that its log must not show; missing when there are none', f.secrets))
/** What a worker does with the jobs that it holds. Rows of the method table, ../methods.ts. */
export const LEASES_METHODS = {
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
    result: obj({ secrets }),
    errors: ['E_NOT_ATTACHED', 'E_LEASE_LOST', 'E_STORE_FULL', 'E_NOT_PRIVATE', 'E_JOB_DAMAGED'],
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
    params: obj({ ...held, secrets: opt(doc('answer with the secrets too, to go on masking them', bool)) }),
    result: obj({ ...lengths, stop: doc('the job is to be stopped', bool), secrets }),
    errors: ['E_LEASE_LOST', 'E_NOT_PRIVATE', 'E_JOB_DAMAGED'],
  },
  'job.started': {
    doc: 'Tells for the record that the shell of the job runs. A job that is over soon needs none: job.finish tells its pid.',
    roles: workers,
    since: 1,
    params: obj({ ...held, pid }),
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
      stdout: doc('length and CRC-32 of the whole stream; `tail` are the bytes from the stored length on', wholeStream),
      stderr: wholeStream,
      artifacts: opt(obj({ bytes: f.byteCount, sha256: f.sha256 })),
      treeLayer: opt(f.treeLayer),
      pid: opt(doc('of the shell, where job.started has not told it', pid)),
      ...f.usage,
    }),
    result: obj({ state: f.jobState }),
    errors: ['E_LEASE_LOST', 'E_OFFSET', 'E_BUSY', 'E_CHECKSUM', 'E_STORE_FULL'],
  },
} as const satisfies MethodRows
