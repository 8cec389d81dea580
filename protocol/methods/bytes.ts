import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bool, doc, int, obj } from '../schema.js'
import { chunk, held, type MethodRows, people, users, workers } from './shape.js'

/** Files that go with a job: bundles in, artifacts out. Rows of the method table, ../methods.ts. */
export const BYTES_METHODS = {
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
  'artifact.read': {
    doc: 'Bytes of the zip that holds the artifacts.',
    roles: people,
    since: 1,
    params: obj({ job: f.jobId, offset: f.byteCount, bytesMax: f.chunkBytes }),
    result: obj({ data: chunk, totalBytes: f.byteCount, sha256: f.sha256 }),
    errors: ['E_JOB_NOT_FOUND', 'E_JOB_NOT_FINISHED', 'E_NO_ARTIFACTS'],
  },
} as const satisfies MethodRows
