import { randomBytes } from 'node:crypto'
import { open, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { JankinsError } from '../../protocol/errors.js'
import type { Sha256 } from '../../protocol/ids.js'
import type { Clock } from '../base/clock.js'
import type { Blobs } from './blobs.js'
import { sha256Digest } from './digest.js'
import { ensureDirectory, syncDirectory } from './directories.js'
import { codeOf, onDisk } from './disk-errors.js'
import { readAt } from './file-bytes.js'
import type { FilePool } from './file-pool.js'
import { createGrowingFiles } from './growing-file.js'
import { createSweep } from './parts.js'
import { type BundlePaths, bundlePaths } from './paths.js'
import { createSerial } from './serial.js'

const COPY_BYTES = 256 * 1024

/**
 * DATA/bundles/parts/ while they grow, DATA/bundles/XX/SHA256.zip when they are whole.
 *
 * Clients of several threads may send the same content at once, into one part: at explicit offsets equal bytes do no
 * harm to each other. A client that sends others can spoil the part until the last moment, so what appears under the
 * final name is a copy that no client can reach, hashed as it is made.
 */
export function createBundleFiles(
  dataDir: string,
  pool: FilePool,
  clock: Clock,
): Pick<Blobs, 'writeBundle' | 'bundleBytes' | 'touchBundle' | 'readBundle'> {
  const files = createGrowingFiles(pool, () => ({ add() {}, value: () => undefined }))
  const serial = createSerial()
  const sweep = createSweep(clock)

  async function complete(
    paths: BundlePaths,
    sha256: Sha256,
    totalBytes: number,
  ): Promise<{ length: number; complete: boolean }> {
    const copy = join(paths.parts, `${sha256}.${randomBytes(8).toString('hex')}.copy`)
    try {
      const digest = await copyPart(pool, paths.part, copy)
      if (digest === undefined) return (await whole(paths)) ?? { length: 0, complete: false }
      await files.cut(paths.part, 0)
      if (digest !== sha256) throw new JankinsError('E_CHECKSUM')
      await ensureDirectory(paths.directory)
      await rename(copy, paths.final)
      await syncDirectory(paths.directory)
      return { length: totalBytes, complete: true }
    } finally {
      await rm(copy, { force: true })
    }
  }

  async function write(
    paths: BundlePaths,
    sha256: Sha256,
    totalBytes: number,
    offset: number,
    data: Uint8Array,
  ): Promise<{ length: number; complete: boolean }> {
    if (offset + data.length > totalBytes)
      throw new JankinsError('E_BAD_REQUEST', { field: 'data', expected: 'not more than totalBytes in all' })
    const known = (await touch(paths.final, clock.nowMs())) ? await whole(paths) : undefined
    if (known) return known
    let length = await files.bytes(paths.part)
    if (length < totalBytes && (data.length > 0 || offset > 0))
      try {
        length = (await files.append(paths.part, offset, data)).length
      } catch (error) {
        // Another thread may have completed it since, and the part is gone.
        const finished = await whole(paths)
        if (finished) return finished
        throw error
      }
    if (data.length > 0) await sweep(paths.parts, paths.part)
    return length < totalBytes ? { length, complete: false } : complete(paths, sha256, totalBytes)
  }

  async function whole(paths: BundlePaths): Promise<{ length: number; complete: true } | undefined> {
    const length = await files.bytes(paths.final)
    return length > 0 ? { length, complete: true } : undefined
  }

  return {
    writeBundle(sha256, totalBytes, offset, data) {
      const paths = bundlePaths(dataDir, sha256, totalBytes)
      return serial(sha256, () => onDisk(() => write(paths, sha256, totalBytes, offset, data)))
    },
    async bundleBytes(sha256) {
      return (await whole(bundlePaths(dataDir, sha256, 0)))?.length
    },
    touchBundle: sha256 => touch(bundlePaths(dataDir, sha256, 0).final, clock.nowMs()),
    readBundle: (sha256, offset, bytesMax) => files.read(bundlePaths(dataDir, sha256, 0).final, offset, bytesMax),
  }
}

/** False when there is no such file. See removal.ts. */
async function touch(path: string, nowMs: number): Promise<boolean> {
  try {
    await utimes(path, nowMs / 1e3, nowMs / 1e3)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * Copies a part to a durable file of its own; returns the SHA-256 of what was copied, undefined when there is no part:
 * another thread was faster.
 */
async function copyPart(pool: FilePool, part: string, copy: string): Promise<string | undefined> {
  return pool.read(part, async ({ handle, bytes }) => {
    const digest = sha256Digest()
    const output = await open(copy, 'wx', 0o600)
    try {
      for (let offset = 0; offset < bytes; offset += COPY_BYTES) {
        const chunk = await readAt(handle, offset, Buffer.allocUnsafeSlow(Math.min(COPY_BYTES, bytes - offset)))
        digest.add(chunk)
        await output.writeFile(chunk)
      }
      await output.datasync()
    } finally {
      await output.close()
    }
    return digest.value()
  })
}
