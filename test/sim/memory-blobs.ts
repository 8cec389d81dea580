import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { AttemptKey, Blobs } from '../../lib/blobs/blobs.js'
import { JankinsError } from '../../protocol/errors.js'
import type { Part, Stream } from '../../protocol/fields.js'
import { type Disk, failNow } from './disk.js'
import { BundleDisk } from './memory-bundles.js'
import type { Actor, World } from './world.js'

interface MemoryFile {
  bytes: Buffer
  durableBytes: number
}

export type Files = { readonly [P in Part]: MemoryFile } & {
  /** The streams by the arrival of their bytes. */
  readonly order: { readonly stream: Stream; bytes: number }[]
}

/** Logs and artifacts as they are on the daemon's disk: they outlive its process, and a power loss only when synced. */
export class MemoryDisk {
  readonly bundles = new BundleDisk()
  /** Times that bytes of a log were taken away, by a power loss or a seal that failed. */
  cutCount = 0
  readonly #files = new Map<string, Files>()
  /** Told of each change of a part. */
  onChange: (key: AttemptKey, part: Part) => void = () => {}

  of({ job, attempt }: AttemptKey): Files {
    const name = `${job}/${attempt}`
    const known = this.#files.get(name)
    if (known) return known
    const made = { stdout: newFile(), stderr: newFile(), artifacts: newFile(), order: [] }
    this.#files.set(name, made)
    return made
  }

  /** @param isLong whether a log keeps its length, and has lost only what stood in it */
  loseUnsynced(isLong: () => boolean): void {
    this.bundles.loseUnsynced()
    this.cutCount++
    for (const { stdout, stderr, artifacts } of this.#files.values()) {
      artifacts.bytes = artifacts.bytes.subarray(0, artifacts.durableBytes)
      for (const file of [stdout, stderr]) {
        const kept = file.bytes.subarray(0, file.durableBytes)
        file.bytes = isLong() ? Buffer.concat([kept], file.bytes.length) : kept
      }
    }
  }
}

/** The Blobs of one life of the daemon. */
export function memoryBlobs(store: MemoryDisk, world: World, actor: Actor, disk: Disk): Blobs {
  const turn = async (): Promise<void> => {
    if (world.random.chance(0.3)) await world.pause(world.random.int(0, disk.writeMsMax), actor)
    if (disk.isFull) throw new JankinsError('E_STORE_FULL')
    failNow(disk, world)
  }
  return {
    ...store.bundles.of(turn),
    async append(key, part, offset, data) {
      if (data.length > 0) await turn()
      const files = store.of(key)
      const file = files[part]
      const { length } = file.bytes
      if (offset > length) throw new JankinsError('E_OFFSET', { length })
      const fresh = data.subarray(Math.min(data.length, length - offset))
      if (fresh.length > 0) file.bytes = Buffer.concat([file.bytes, fresh])
      if (fresh.length > 0 && part !== 'artifacts') files.order.push({ stream: part, bytes: fresh.length })
      if (world.random.chance(0.2)) file.durableBytes = file.bytes.length
      store.onChange(key, part)
      return { length: file.bytes.length, durableLength: file.durableBytes }
    },
    async lengths(key) {
      const { stdout, stderr, artifacts } = store.of(key)
      return { stdout: stdout.bytes.length, stderr: stderr.bytes.length, artifacts: artifacts.bytes.length }
    },
    async readLog(key, stream, offset, bytesMax) {
      const files = store.of(key)
      if (stream === 'all') return readInOrder(files, offset, bytesMax)
      const data = files[stream].bytes.subarray(offset, offset + bytesMax)
      return { chunks: data.length > 0 ? [{ stream, data }] : [], next: offset + data.length }
    },
    async sealLog(key, expected) {
      await turn()
      for (const stream of ['stdout', 'stderr'] as const) {
        const files = store.of(key)
        const { bytes, crc32: sum } = expected[stream]
        seal(files[stream], bytes, crc32(files[stream].bytes) === sum, () => cutLog(store, files, stream, 0))
      }
    },
    async endParts(key) {
      await turn()
      const { stdout, stderr } = store.of(key)
      for (const file of [stdout, stderr]) file.durableBytes = file.bytes.length
      return stdout.bytes.length + stderr.bytes.length
    },
    async sealArtifacts(key, bytes, sha256) {
      await turn()
      const file = store.of(key).artifacts
      const sum = createHash('sha256').update(file.bytes).digest('hex')
      seal(file, bytes, sum === sha256, () => cut(file, 0))
    },
    async dropArtifacts(key) {
      cut(store.of(key).artifacts, 0)
    },
    async readArtifacts(key, offset, bytesMax) {
      return store.of(key).artifacts.bytes.subarray(offset, offset + bytesMax)
    },
    async cutLog(key, stdoutBytes, stderrBytes) {
      const files = store.of(key)
      cutLog(store, files, 'stdout', stdoutBytes)
      cutLog(store, files, 'stderr', stderrBytes)
    },
  }
}

const newFile = (): MemoryFile => ({ bytes: Buffer.alloc(0), durableBytes: 0 })

function cut(file: MemoryFile, bytes: number): void {
  file.bytes = file.bytes.subarray(0, bytes)
  file.durableBytes = Math.min(file.durableBytes, bytes)
}

function cutLog(store: MemoryDisk, files: Files, stream: Stream, bytes: number): void {
  if (files[stream].bytes.length > bytes) store.cutCount++
  cut(files[stream], bytes)
  let left = bytes
  for (const run of files.order) {
    if (run.stream !== stream) continue
    run.bytes = Math.min(run.bytes, left)
    left -= run.bytes
  }
}

/** Both streams by the arrival of their bytes; a page ends where the stream changes. */
function readInOrder(files: Files, offset: number, bytesMax: number): Awaited<ReturnType<Blobs['readLog']>> {
  const before = { stdout: 0, stderr: 0 }
  let skip = offset
  for (const { stream, bytes } of files.order) {
    if (skip < bytes) {
      const from = before[stream] + skip
      const data = files[stream].bytes.subarray(from, from + Math.min(bytes - skip, bytesMax))
      return { chunks: [{ stream, data }], next: offset + data.length }
    }
    before[stream] += bytes
    skip -= bytes
  }
  return { chunks: [], next: offset }
}

/** As Blobs says: durable when it is what was announced, cut to nothing when its bytes differ. */
function seal(file: MemoryFile, bytes: number, isSame: boolean, cutToNothing: () => void): void {
  const { length } = file.bytes
  if (length < bytes) throw new JankinsError('E_OFFSET', { length })
  if (length > bytes || !isSame) {
    cutToNothing()
    throw new JankinsError('E_CHECKSUM', { length: 0 })
  }
  file.durableBytes = length
}
