import type { Blobs, LogChunk } from '../../blobs/blobs.js'
import type { Metrics } from './metrics.js'

/** `blobs`, with every byte counted that was taken in or given out. Bytes that are sent twice count twice. */
export const countedBlobs = (blobs: Blobs, { count }: Metrics): Blobs => ({
  ...blobs,
  async append(key, part, offset, data, durableBytes) {
    const stored = await blobs.append(key, part, offset, data, durableBytes)
    count(part === 'artifacts' ? 'artifactReceivedBytes' : 'logReceivedBytes', data.length)
    return stored
  },
  async readLog(...args) {
    const read = await blobs.readLog(...args)
    count('logSentBytes', bytesOf(read.chunks))
    return read
  },
  async readArtifacts(...args) {
    const data = await blobs.readArtifacts(...args)
    count('artifactSentBytes', data.length)
    return data
  },
  async writeBundle(sha256, totalBytes, offset, data) {
    const stored = await blobs.writeBundle(sha256, totalBytes, offset, data)
    count('bundleReceivedBytes', data.length)
    return stored
  },
  async readBundle(...args) {
    const data = await blobs.readBundle(...args)
    count('bundleSentBytes', data.length)
    return data
  },
})

const bytesOf = (chunks: readonly LogChunk[]): number => chunks.reduce((sum, { data }) => sum + data.length, 0)
