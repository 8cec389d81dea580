import { readFile, stat } from 'node:fs/promises'
import { LIMITS } from '../../../protocol/limits.js'
import { ArchiveError } from './archive-error.js'
import { ARTIFACT_LIMITS, BUNDLE_LIMITS } from './archive-limits.js'
import type { EntryKind } from './entry-checks.js'
import { checkLargeZip, type LargeEntry, unpackLargeZip } from './large-zip.js'
import { readSmallZip, unpackSmallZip } from './small-zip.js'

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
 * Unpacks an archive of artifacts; large ones as a stream. Counts files and symlinks, and the bytes of files.
 * @throws ArchiveError before anything is written when the archive breaks a rule, or where a file exists already
 */
export async function unpackZipFile(path: string, dir: string): Promise<{ files: number; bytes: number }> {
  const small = await readIfSmall(path)
  if (small) {
    await unpackSmallZip(small, dir)
    return { files: small.entries.filter(({ entry }) => entry.kind !== 'directory').length, bytes: small.bytes }
  }
  let files = 0
  const bytes = await checkLargeZip(path, ARTIFACT_LIMITS, ({ entry }) => {
    if (entry.kind !== 'directory') files++
  })
  await unpackLargeZip(path, dir, ARTIFACT_LIMITS)
  return { files, bytes }
}

/** Every entry, in the order of the archive. @throws ArchiveError when the archive breaks a rule */
export async function listZipFile(path: string): Promise<readonly ListedEntry[]> {
  const small = await readIfSmall(path)
  if (small) return small.entries.map(listed)
  const entries: ListedEntry[] = []
  await checkLargeZip(path, ARTIFACT_LIMITS, entry => entries.push(listed(entry)))
  return entries
}

const listed = ({ path, entry, target }: LargeEntry): ListedEntry => ({
  path,
  kind: entry.kind,
  bytes: entry.bytes,
  mode: entry.mode,
  ...(target !== undefined && { target }),
})

async function readIfSmall(path: string): Promise<ReturnType<typeof readSmallZip>> {
  const { size } = await stat(path)
  return size > SMALL_BYTES_MAX ? undefined : readSmallZip(await readFile(path), ARTIFACT_LIMITS)
}
