import { once } from 'node:events'
import type { FileHandle } from 'node:fs/promises'
import { Entry, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl'
import type { ArchiveLimits } from './archive-limits.js'
import { createEntryChecks } from './entry-checks.js'
import { guard, type OpenZip, readEntry } from './large-entry.js'
import { writeTree } from './tree-writer.js'
import { decodeText, readZipRecord, type ZipEntry } from './zip-entry.js'
import { SourceReader, type ZipSource } from './zip-source.js'

interface LargeEntry {
  readonly path: string
  readonly entry: ZipEntry
  readonly mtimeMs: number | undefined
  readonly place: Entry
  readonly target?: string
}

/** An archive of which only the directory is in memory, and whose entries have passed the checks. */
export interface LargeZip extends OpenZip {
  readonly entries: readonly LargeEntry[]
  readonly bytes: number
}

/** Reads the directory of an archive and where its symlinks lead, and checks both. @throws ArchiveError */
export async function readLargeZip(source: ZipSource, limits: ArchiveLimits): Promise<LargeZip> {
  // Names stay bytes: yauzl's own reading of them is lenient where ours is not.
  const options = { autoClose: false, decodeStrings: false }
  const zip = await guard(fromRandomAccessReaderPromise(new SourceReader(source), source.bytes, options))
  const open = { zip, source }
  const checks = createEntryChecks(limits)
  const entries: LargeEntry[] = []
  for (let record = await nextEntry(zip); record; record = await nextEntry(zip)) {
    const entry = readRecord(record)
    entries.push({ path: checks.add(entry), entry, mtimeMs: timeOf(record), place: placeOf(record) })
  }
  // In the order of their bytes, whatever order the directory has: what is read on from there is cheap.
  entries.sort((one, other) => one.place.relativeOffsetOfLocalHeader - other.place.relativeOffsetOfLocalHeader)
  for (const [index, found] of entries.entries()) {
    if (found.entry.kind !== 'symlink') continue
    const target = await readTarget(open, found.path, found.place)
    checks.addTarget(found.path, target)
    entries[index] = { ...found, target }
  }
  checks.finish(source.bytes)
  return { ...open, entries, bytes: checks.bytes }
}

/**
 * Unpacks as the bytes come: memory does not grow with them.
 * @throws ArchiveError, and what the source throws; nothing of it is left then
 */
export async function unpackLargeZip(zip: LargeZip, dir: string): Promise<void> {
  await writeTree(dir, async tree => {
    for (const { path, entry, mtimeMs, place, target } of zip.entries) {
      const marks = { mode: entry.mode, mtimeMs }
      if (target !== undefined) tree.symlink(path, target)
      else if (entry.kind === 'directory') await tree.directory(path, marks)
      else await tree.file(path, marks, handle => readEntry(zip, path, place, piece => writeWhole(handle, piece)))
    }
    await zip.source.verify()
  })
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

const readRecord = (record: Entry): ZipEntry =>
  readZipRecord({
    rawName: record.fileNameRaw,
    externalAttributes: record.externalFileAttributes,
    flags: record.generalPurposeBitFlag,
    method: record.compressionMethod,
    bytes: record.uncompressedSize,
    packedBytes: record.compressedSize,
  })

/** What is asked for when its bytes are read: what else the directory says takes several times the memory. */
const placeOf = (record: Entry): Entry => {
  const { relativeOffsetOfLocalHeader, generalPurposeBitFlag, compressionMethod } = record
  const { compressedSize, uncompressedSize, crc32 } = record
  return Object.assign(new Entry(), {
    ...{ relativeOffsetOfLocalHeader, generalPurposeBitFlag, compressionMethod },
    ...{ compressedSize, uncompressedSize, crc32 },
  })
}

async function readTarget(open: OpenZip, path: string, place: Entry): Promise<string> {
  const pieces: Buffer[] = []
  await readEntry(open, path, place, async piece => void pieces.push(piece))
  return decodeText(Buffer.concat(pieces))
}

async function writeWhole(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; )
    written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten
}

function timeOf(record: Entry): number | undefined {
  const time = record.getLastModDate()
  return time.getFullYear() > 1980 && !Number.isNaN(time.getTime()) ? time.getTime() : undefined
}
