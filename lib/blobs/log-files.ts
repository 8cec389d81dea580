import { JankinsError } from '../../protocol/errors.js'
import { STREAMS, type Stream } from '../../protocol/fields.js'
import type { AttemptKey, Blobs, LogChunk, PartLength } from './blobs.js'
import { crc32Digest } from './digest.js'
import { syncDirectory } from './directories.js'
import { onDisk } from './disk-errors.js'
import type { FilePool } from './file-pool.js'
import { createGrowingFiles, type GrowingFiles } from './growing-file.js'
import { cutOrder, type Ends, findSegments, noteOrder, type Segment } from './log-order.js'
import { type LogPaths, logPaths } from './paths.js'
import { createSerial } from './serial.js'

/** As many chunks as one reply may carry. */
const CHUNKS_MAX = 1_024

export interface LogFiles extends Pick<Blobs, 'readLog' | 'sealLog' | 'cutLog'> {
  /** The part of Blobs.endParts that is about the log. */
  end(key: AttemptKey): Promise<number>
  append(
    key: AttemptKey,
    stream: Stream,
    offset: number,
    data: Uint8Array,
    durableBytes: number | undefined,
  ): Promise<PartLength>
  lengths(key: AttemptKey): Promise<Ends>
}

/** DATA/logs/N/JOB.stdout, .stderr and .order (see log-order.ts); N is job / 1000. */
export function createLogFiles(dataDir: string, pool: FilePool): LogFiles {
  const files = createGrowingFiles(pool, crc32Digest)
  const serial = createSerial()

  async function readMerged(paths: LogPaths, offset: number, bytesMax: number, into?: Buffer): Promise<LogChunk[]> {
    const ends = await endsOf(files, paths)
    const segments = await findSegments(pool, paths.order, ends, offset, bytesMax, CHUNKS_MAX)
    const stdout = await readSpan(files, paths, segments, 'stdout', into)
    const stderr = await readSpan(files, paths, segments, 'stderr', into?.subarray(stdout?.bytes.length))
    const chunks: LogChunk[] = []
    for (const { stream, from, to } of segments) {
      const span = stream === 'stdout' ? stdout : stderr
      const data = span?.bytes.subarray(from - span.offset, to - span.offset) ?? Buffer.alloc(0)
      if (data.length > 0) chunks.push({ stream, data })
      if (data.length < to - from) break // bytes that a power loss took
    }
    return chunks
  }

  return {
    append(key, stream, offset, data, durableBytes) {
      const paths = logPaths(dataDir, key)
      return serial(paths.order, async () => {
        const ends = await endsOf(files, paths)
        const grows = offset <= ends[stream] && offset + data.length > ends[stream]
        if (grows) await noteOrder(pool, paths.order, ends, stream)
        return files.append(paths.streams[stream], offset, data, durableBytes)
      })
    },
    lengths: key => endsOf(files, logPaths(dataDir, key)),
    async readLog(key, stream, offset, bytesMax, into) {
      const paths = logPaths(dataDir, key)
      if (stream === 'all') {
        const chunks = await readMerged(paths, offset, bytesMax, into)
        return { chunks, next: chunks.reduce((next, { data }) => next + data.length, offset) }
      }
      const data = await files.read(paths.streams[stream], offset, bytesMax, into)
      return { chunks: data.length > 0 ? [{ stream, data }] : [], next: offset + data.length }
    },
    sealLog(key, expected) {
      const paths = logPaths(dataDir, key)
      return serial(paths.order, () => onDisk(() => seal(pool, files, paths, expected)))
    },
    end(key) {
      const paths = logPaths(dataDir, key)
      return serial(paths.order, async () => {
        const [stdout, stderr] = await Promise.all(STREAMS.map(stream => files.sync(paths.streams[stream])))
        const bytes = (stdout ?? 0) + (stderr ?? 0)
        if (bytes > 0) await closeDurable(pool, files, paths)
        return bytes
      })
    },
    cutLog(key, stdoutBytes, stderrBytes) {
      const paths = logPaths(dataDir, key)
      return serial(paths.order, () => cut(pool, files, paths, { stdout: stdoutBytes, stderr: stderrBytes }))
    },
  }
}

async function endsOf(files: GrowingFiles<number>, paths: LogPaths): Promise<Ends> {
  const [stdout, stderr] = await Promise.all([files.bytes(paths.streams.stdout), files.bytes(paths.streams.stderr)])
  return { stdout, stderr }
}

/** All bytes of one stream that the segments name: segments in a row leave no hole in it. */
async function readSpan(
  files: GrowingFiles<number>,
  paths: LogPaths,
  segments: readonly Segment[],
  stream: Stream,
  into: Buffer | undefined,
): Promise<{ offset: number; bytes: Buffer } | undefined> {
  const own = segments.filter(segment => segment.stream === stream)
  const [first, last] = [own[0], own.at(-1)]
  if (!first || !last) return undefined
  return { offset: first.from, bytes: await files.read(paths.streams[stream], first.from, last.to - first.from, into) }
}

async function seal(
  pool: FilePool,
  files: GrowingFiles<number>,
  paths: LogPaths,
  expected: Parameters<Blobs['sealLog']>[1],
): Promise<void> {
  const ends = await endsOf(files, paths)
  for (const stream of STREAMS)
    if (ends[stream] < expected[stream].bytes)
      throw new JankinsError('E_OFFSET', { part: stream, length: ends[stream], expected: expected[stream].bytes })
  const sealed = await Promise.all(
    STREAMS.map(stream => files.seal(paths.streams[stream], expected[stream].durableBytes)),
  )
  const wrong = STREAMS.filter((stream, index) => {
    const { bytes, crc32 } = expected[stream]
    return sealed[index]?.bytes !== bytes || sealed[index]?.digest !== crc32
  })
  if (wrong.length > 0) {
    const kept = { ...ends, ...Object.fromEntries(wrong.map(stream => [stream, 0])) }
    await cut(pool, files, paths, kept)
    throw new JankinsError('E_CHECKSUM', { part: wrong.join(' ') })
  }
  if (ends.stdout > 0 || ends.stderr > 0) await closeDurable(pool, files, paths)
}

/** To be called when the bytes of both streams are durable: makes their order and their names so. */
async function closeDurable(pool: FilePool, files: GrowingFiles<number>, paths: LogPaths): Promise<void> {
  await pool.read(paths.order, file => file.handle.datasync())
  await syncDirectory(paths.directory)
  for (const stream of STREAMS) files.forget(paths.streams[stream])
  pool.forget(paths.order)
}

/** The order first: a crash in between leaves an order that the next cut makes fit. */
async function cut(pool: FilePool, files: GrowingFiles<number>, paths: LogPaths, wanted: Ends): Promise<void> {
  const ends = await endsOf(files, paths)
  const kept = { stdout: Math.min(ends.stdout, wanted.stdout), stderr: Math.min(ends.stderr, wanted.stderr) }
  await onDisk(() => cutOrder(pool, paths.order, kept))
  for (const stream of STREAMS) if (kept[stream] < ends[stream]) await files.cut(paths.streams[stream], kept[stream])
}
