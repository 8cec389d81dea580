import { Buffer } from 'node:buffer'
import { LIMITS } from '../../protocol/limits.js'
import type { LeaseHolder, Link } from './link.js'

/**
 * The files that travel with a job, as a zip in memory: at most LIMITS.bundleBytesMax.
 * @throws what the signal was aborted with; JankinsError E_LEASE_LOST, E_BUNDLE_NOT_FOUND
 */
export async function downloadBundle(link: Link, holder: LeaseHolder, signal: AbortSignal): Promise<Buffer> {
  const { job, lease } = holder
  const pieces: Buffer[] = []
  const bytesMax = LIMITS.chunkBytesMin.value
  for (let offset = 0; ; ) {
    signal.throwIfAborted()
    const { data, totalBytes } = await link.insist('bundle.read', { job, lease, offset, bytesMax }, () =>
      link.bulk(holder),
    )
    // A copy: decoded binary is a view of its frame.
    pieces.push(Buffer.from(data))
    offset += data.length
    if (totalBytes > LIMITS.bundleBytesMax.value) throw new Error(`the bundle is larger than any may be: ${totalBytes}`)
    if (offset >= totalBytes || data.length === 0) return Buffer.concat(pieces)
  }
}
