import { rename } from 'node:fs/promises'
import { JankinsError } from '../../protocol/errors.js'
import type { Sha256 } from '../../protocol/ids.js'
import type { Clock } from '../base/clock.js'
import type { AttemptKey, Blobs, PartLength } from './blobs.js'
import { sha256Digest } from './digest.js'
import { ensureDirectory, syncDirectory } from './directories.js'
import { onDisk } from './disk-errors.js'
import type { FilePool } from './file-pool.js'
import { createGrowingFiles, type GrowingFiles } from './growing-file.js'
import { createSweep } from './parts.js'
import { type ArtifactPaths, artifactPaths } from './paths.js'
import { createSerial } from './serial.js'

export interface ArtifactFiles extends Pick<Blobs, 'sealArtifacts' | 'readArtifacts'> {
  append(key: AttemptKey, offset: number, data: Uint8Array): Promise<PartLength>
  bytes(key: AttemptKey): Promise<number>
  /** Removes what was not sealed. */
  drop(key: AttemptKey): Promise<void>
}

/** DATA/artifacts/parts/JOB.part while it grows, DATA/artifacts/N/JOB.zip for ever after; N is job / 1000. */
export function createArtifactFiles(dataDir: string, pool: FilePool, clock: Clock): ArtifactFiles {
  const files = createGrowingFiles(pool, sha256Digest)
  const serial = createSerial()
  const sweep = createSweep(clock)

  /** What is sealed stays: bytes that it has are skipped, and more are not taken. */
  async function append(paths: ArtifactPaths, offset: number, data: Uint8Array): Promise<PartLength> {
    const sealedBytes = await files.bytes(paths.final)
    if (sealedBytes > 0) {
      if (offset + data.length > sealedBytes) throw new JankinsError('E_OFFSET', { length: sealedBytes })
      return { length: sealedBytes, durableLength: sealedBytes }
    }
    const length = await files.append(paths.part, offset, data)
    if (data.length > 0) await sweep(paths.parts, paths.part)
    return length
  }

  return {
    append(key, offset, data) {
      const paths = artifactPaths(dataDir, key)
      return serial(paths.part, () => append(paths, offset, data))
    },
    async bytes(key) {
      const paths = artifactPaths(dataDir, key)
      return (await files.bytes(paths.part)) || files.bytes(paths.final)
    },
    async drop(key) {
      const { part } = artifactPaths(dataDir, key)
      // To ask costs next to nothing, and most jobs have none.
      if ((await files.bytes(part)) > 0) await serial(part, () => onDisk(() => files.cut(part, 0)))
    },
    sealArtifacts(key, bytes, sha256) {
      const paths = artifactPaths(dataDir, key)
      return serial(paths.part, () => onDisk(() => seal(files, paths, bytes, sha256)))
    },
    readArtifacts: (key, offset, bytesMax, into) =>
      files.read(artifactPaths(dataDir, key).final, offset, bytesMax, into),
  }
}

async function seal(files: GrowingFiles<string>, paths: ArtifactPaths, bytes: number, sha256: Sha256): Promise<void> {
  const finalBytes = await files.bytes(paths.final)
  if (finalBytes > 0) {
    // A repeated request whose first reply was lost.
    const { digest } = await files.seal(paths.final)
    if (finalBytes !== bytes || digest !== sha256) throw new JankinsError('E_CHECKSUM', { part: 'artifacts' })
    return syncDirectory(paths.directory)
  }
  const partBytes = await files.bytes(paths.part)
  if (partBytes < bytes || partBytes === 0)
    throw new JankinsError('E_OFFSET', { part: 'artifacts', length: partBytes, expected: bytes })
  const sealed = await files.seal(paths.part)
  if (sealed.bytes !== bytes || sealed.digest !== sha256) {
    await files.cut(paths.part, 0)
    throw new JankinsError('E_CHECKSUM', { part: 'artifacts' })
  }
  await ensureDirectory(paths.directory)
  await rename(paths.part, paths.final)
  files.forget(paths.part)
  await syncDirectory(paths.directory)
}
