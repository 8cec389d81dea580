import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { AttemptKey, Blobs } from '../../lib/blobs/blobs.js'
import { JankinsError } from '../../protocol/errors.js'
import type { Part } from '../../protocol/fields.js'
import type { Disk } from './disk.js'
import type { Actor, World } from './world.js'

interface MemoryFile {
  bytes: Buffer
  durableBytes: number
}

export type Files = { readonly [P in Part]: MemoryFile }

/** Logs and artifacts as they are on the daemon's disk: they outlive its process, and a power loss only when synced. */
export class MemoryDisk {
  readonly #files = new Map<string, Files>()
  /** Told of each change of a part. */
  onChange: (key: AttemptKey, part: Part) => void = () => {}

  of({ job, attempt }: AttemptKey): Files {
    const name = `${job}/${attempt}`
    const known = this.#files.get(name)
    if (known) return known
    const made = { stdout: newFile(), stderr: newFile(), artifacts: newFile() }
    this.#files.set(name, made)
    return made
  }

  /** @param isLong whether a log keeps its length, and has lost only what stood in it */
  loseUnsynced(isLong: () => boolean): void {
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
  }
  return {
    async append(key, part, offset, data) {
      if (data.length > 0) await turn()
      const file = store.of(key)[part]
      const { length } = file.bytes
      if (offset > length) throw new JankinsError('E_OFFSET', { length })
      const fresh = data.subarray(Math.min(data.length, length - offset))
      if (fresh.length > 0) file.bytes = Buffer.concat([file.bytes, fresh])
      if (world.random.chance(0.2)) file.durableBytes = file.bytes.length
      store.onChange(key, part)
      return { length: file.bytes.length, durableLength: file.durableBytes }
    },
    async lengths(key) {
      const { stdout, stderr, artifacts } = store.of(key)
      return { stdout: stdout.bytes.length, stderr: stderr.bytes.length, artifacts: artifacts.bytes.length }
    },
    async readLog(key, stream, offset, bytesMax) {
      const data = store.of(key)[stream === 'all' ? 'stdout' : stream].bytes.subarray(offset, offset + bytesMax)
      const chunks = data.length > 0 ? [{ stream: stream === 'all' ? 'stdout' : stream, data } as const] : []
      return { chunks, next: offset + data.length }
    },
    async sealLog(key, expected) {
      await turn()
      for (const stream of ['stdout', 'stderr'] as const) {
        const file = store.of(key)[stream]
        seal(file, expected[stream].bytes, crc32(file.bytes) === expected[stream].crc32)
      }
    },
    async sealArtifacts(key, bytes, sha256) {
      await turn()
      const file = store.of(key).artifacts
      seal(file, bytes, createHash('sha256').update(file.bytes).digest('hex') === sha256)
    },
    async readArtifacts(key, offset, bytesMax) {
      return store.of(key).artifacts.bytes.subarray(offset, offset + bytesMax)
    },
    async cutLog(key, stdoutBytes, stderrBytes) {
      const { stdout, stderr } = store.of(key)
      cut(stdout, stdoutBytes)
      cut(stderr, stderrBytes)
    },
    writeBundle: () => Promise.reject(new JankinsError('E_STORE_FULL')),
    bundleBytes: async () => undefined,
    readBundle: () => Promise.reject(new JankinsError('E_BUNDLE_NOT_FOUND')),
  }
}

const newFile = (): MemoryFile => ({ bytes: Buffer.alloc(0), durableBytes: 0 })

function cut(file: MemoryFile, bytes: number): void {
  file.bytes = file.bytes.subarray(0, bytes)
  file.durableBytes = Math.min(file.durableBytes, bytes)
}

/** As Blobs says: durable when it is what was announced, cut to nothing when its bytes differ. */
function seal(file: MemoryFile, bytes: number, isSame: boolean): void {
  const { length } = file.bytes
  if (length < bytes) throw new JankinsError('E_OFFSET', { length })
  if (length > bytes || !isSame) {
    cut(file, 0)
    throw new JankinsError('E_CHECKSUM', { length: 0 })
  }
  file.durableBytes = length
}
