import { LIMITS } from '../../../protocol/limits.js'
import { ArchiveError } from './archive-error.js'
import { ARTIFACT_LIMITS, BUNDLE_LIMITS } from './archive-limits.js'
import type { EntryKind } from './entry-checks.js'
import { readLargeZip, unpackLargeZip } from './large-zip.js'
import { readSmallZip, type SmallZip, unpackSmallZip } from './small-zip.js'
import { readWhole, type ZipSource } from './zip-source.js'

/** Archives up to this size are read into memory as a whole. */
const SMALL_BYTES_MAX = 32 * 1024 * 1024

export interface ListedEntry {
  readonly path: string
  readonly kind: EntryKind
  readonly bytes: number
  /** 0..0o777; undefined when the archive has none. */
  readonly mode: number | undefined
  /** Where a symlink leads. */
  readonly target?: string
}

/**
 * Unpacks what travelled with a job into a directory, which is made when it is missing.
 * @throws ArchiveError before anything is written when the archive breaks a rule
 */
export async function unpackBundle(zip: Buffer, dir: string): Promise<void> {
  if (zip.length > LIMITS.bundleBytesMax.value) throw new ArchiveError('the bundle is too large')
  const small = readSmallZip(zip, BUNDLE_LIMITS)
  if (!small) throw new ArchiveError('the bundle has too many entries, or too large ones')
  await unpackSmallZip(small, dir)
}

/**
 * Unpacks an archive of artifacts. Counts files and symlinks, and the bytes of files.
 * @throws ArchiveError when it breaks a rule, or where a file exists already, and what the source throws; nothing of it
 *   is left then, and nothing is written before the names and sizes of all entries have passed
 */
export async function unpackArtifacts(source: ZipSource, dir: string): Promise<{ files: number; bytes: number }> {
  const zip = (await readIfSmall(source)) ?? (await readLargeZip(source, ARTIFACT_LIMITS))
  await ('source' in zip ? unpackLargeZip(zip, dir) : unpackSmallZip(zip, dir))
  return { files: zip.entries.filter(({ entry }) => entry.kind !== 'directory').length, bytes: zip.bytes }
}

/** Every entry, in the order of the archive. Of a large one only what it says of itself is read. @throws ArchiveError */
export async function listArtifacts(source: ZipSource): Promise<readonly ListedEntry[]> {
  const { entries } = (await readIfSmall(source)) ?? (await readLargeZip(source, ARTIFACT_LIMITS))
  return entries.map(({ path, entry, target }) => ({
    ...{ path, kind: entry.kind, bytes: entry.bytes, mode: entry.mode },
    ...(target !== undefined && { target }),
  }))
}

async function readIfSmall(source: ZipSource): Promise<SmallZip | undefined> {
  if (source.bytes > SMALL_BYTES_MAX) return undefined
  const zip = await readWhole(source)
  await source.verify()
  return readSmallZip(zip, ARTIFACT_LIMITS)
}
