import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import type { Clock } from '../../lib/base/clock.js'
import type { AttemptKey } from '../../lib/blobs/blobs.js'
import { openBlobs } from '../../lib/blobs/open.js'
import { parseJobId, parseSha256, type Sha256 } from '../../protocol/ids.js'

export function keyOf(job: number, attempt = 1): AttemptKey {
  const id = parseJobId(job)
  assert(id)
  return { job: id, attempt }
}

export function hashOf(data: Uint8Array): Sha256 {
  const sha256 = parseSha256(createHash('sha256').update(data).digest('hex'))
  assert(sha256)
  return sha256
}

/** Closed at the end of the test. */
export function open(t: Test, dir: string, clock?: Clock): ReturnType<typeof openBlobs> {
  const blobs = openBlobs(dir, clock)
  t.teardown(() => blobs.close())
  return blobs
}
