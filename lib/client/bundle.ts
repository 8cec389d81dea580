import { JankinsError } from '../../protocol/errors.js'
import type { Sha256 } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { OnProgress } from './progress.js'
import type { ResilientClient } from './resilient.js'

/** Room for everything in the request but the bytes. */
const ENVELOPE_BYTES = 1_024
const TRIES_MAX = 3

/**
 * Sends the files that travel with a job, unless the daemon has them: from where an earlier try, of anybody, ended.
 * @throws JankinsError what bundle.write throws
 */
export async function sendBundle(
  client: ResilientClient,
  bundle: { readonly zip: Uint8Array; readonly sha256: Sha256 },
  onProgress?: OnProgress,
): Promise<void> {
  const { zip, sha256 } = bundle
  const totalBytes = zip.length
  let tries = 0
  let offset = 0
  let end = 0 // the first request carries nothing and asks what is there
  for (;;) {
    const stored = await client
      .call('bundle.write', { sha256, totalBytes, offset, data: zip.subarray(offset, end) })
      .catch((error: unknown) => restart(error, ++tries))
    onProgress?.(stored.length, totalBytes)
    if (stored.complete) return
    offset = Math.min(stored.length, totalBytes)
    const chunkBytes = Math.min(LIMITS.chunkBytesMin.value, client.frameBytesMax - ENVELOPE_BYTES)
    end = Math.min(offset + chunkBytes, totalBytes)
  }
}

/** Another sender of the same content may have been ahead of us, or have spoilt it: go on from what is there. */
function restart(error: unknown, tries: number): { length: number; complete: boolean } {
  if (!(error instanceof JankinsError) || tries >= TRIES_MAX) throw error
  if (error.code === 'E_CHECKSUM') return { length: 0, complete: false }
  if (error.code !== 'E_OFFSET') throw error
  return { length: Number(error.detail.length ?? 0), complete: false }
}
