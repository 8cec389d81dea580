import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import type { ArchiveLimits } from './archive-limits.js'
import { createEntryChecks } from './entry-checks.js'
import { guard, type OpenZip, readEntry } from './large-entry.js'
import { createTreeWriter } from './tree-writer.js'
import { decodeText, readZipRecord, type ZipEntry } from './zip-entry.js'

/** An entry that has passed the checks for itself; of a symlink also where it leads. */
export interface LargeEntry {
  readonly path: string
  readonly entry: ZipEntry
  readonly target?: string
}

/**
 * Goes over the whole directory of the archive and hands out each entry.
 * @returns how many bytes it unpacks to. @throws ArchiveError, possibly after some entries were handed out
 */
export async function checkLargeZip(
  path: string,
  limits: ArchiveLimits,
  each: (entry: LargeEntry) => void = () => {},
): Promise<number> {
  const checks = createEntryChecks(limits)
  const archiveBytes = await forEachEntry(path, async (source, entry, archive) => {
    const clean = checks.add(entry)
    if (entry.kind !== 'symlink') return each({ path: clean, entry })
    const target = await readTarget(archive, source)
    checks.addTarget(clean, target)
    each({ path: clean, entry, target })
  })
  checks.finish(archiveBytes)
  return checks.bytes
}

/** Checks all entries, then unpacks them in a second pass, as a stream: memory does not grow with the archive. */
export async function unpackLargeZip(path: string, dir: string, limits: ArchiveLimits): Promise<void> {
  await checkLargeZip(path, limits)
  const tree = await createTreeWriter(dir)
  // The same checks again: what is unpacked is what was checked, even if the file has changed since.
  const checks = createEntryChecks(limits)
  await forEachEntry(path, async (source, entry, archive) => {
    const clean = checks.add(entry)
    const marks = { mode: entry.mode, mtimeMs: timeOf(source) }
    if (entry.kind === 'directory') return tree.directory(clean, marks)
    if (entry.kind === 'file')
      return tree.file(clean, marks, handle => readEntry(archive, source, piece => writeWhole(handle, piece)))
    const target = await readTarget(archive, source)
    checks.addTarget(clean, target)
    tree.symlink(clean, target)
  })
  checks.finish()
  await tree.finish()
}

/** @returns the size of the archive */
async function forEachEntry(
  path: string,
  work: (source: Entry, entry: ZipEntry, archive: OpenZip) => Promise<void> | void,
): Promise<number> {
  const file = await open(path, 'r')
  try {
    return await forEachEntryOf(file, path, work)
  } finally {
    await file.close()
  }
}

async function forEachEntryOf(
  file: FileHandle,
  path: string,
  work: Parameters<typeof forEachEntry>[1],
): Promise<number> {
  // Names stay bytes: yauzl's own reading of them is lenient where ours is not.
  const zip = await guard(openPromise(path, { lazyEntries: true, autoClose: false, decodeStrings: false }))
  try {
    for (;;) {
      const source = await nextEntry(zip)
      if (!source) return zip.fileSize
      await work(source, recordOf(source), { zip, file })
    }
  } finally {
    zip.close()
  }
}

/** By its events: the iterator of yauzl cannot be told from one that failed when the work throws. */
async function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  const done = new AbortController()
  const { signal } = done
  const entry = once(zip, 'entry', { signal }).then(([entry]) => entry as Entry)
  const end = once(zip, 'end', { signal }).then(() => undefined)
  end.catch(() => {}) // one of the two is always given up
  entry.catch(() => {})
  zip.readEntry()
  try {
    return await guard(Promise.race([entry, end]))
  } finally {
    done.abort()
  }
}

const recordOf = (source: Entry): ZipEntry =>
  readZipRecord({
    rawName: source.fileNameRaw,
    externalAttributes: source.externalFileAttributes,
    flags: source.generalPurposeBitFlag,
    method: source.compressionMethod,
    bytes: source.uncompressedSize,
    packedBytes: source.compressedSize,
  })

async function readTarget(archive: OpenZip, source: Entry): Promise<string> {
  const pieces: Buffer[] = []
  await readEntry(archive, source, async piece => void pieces.push(Buffer.from(piece)))
  return decodeText(Buffer.concat(pieces))
}

async function writeWhole(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; )
    written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten
}

function timeOf(source: Entry): number | undefined {
  const time = source.getLastModDate()
  return time.getFullYear() > 1980 && !Number.isNaN(time.getTime()) ? time.getTime() : undefined
}
