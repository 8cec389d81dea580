import AdmZip from 'adm-zip'
import { ArchiveError } from './archive-error.js'
import { type ArchiveLimits, fitsMemory } from './archive-limits.js'
import { createEntryChecks } from './entry-checks.js'
import { writeTree } from './tree-writer.js'
import { decodeText, readZipRecord, type ZipEntry } from './zip-entry.js'

interface SmallEntry {
  readonly path: string
  readonly entry: ZipEntry
  readonly source: AdmZip.IZipEntry
  readonly target?: string
}

/** An archive in memory whose entries have passed the checks. */
export interface SmallZip {
  readonly entries: readonly SmallEntry[]
  readonly bytes: number
}

/** @returns undefined when there are too many entries, or too large ones, to hold. @throws ArchiveError */
export function readSmallZip(zip: Buffer, limits: ArchiveLimits): SmallZip | undefined {
  const archive = guard(() => new AdmZip(zip))
  // Asked before the entries are read: each costs far more memory than its bytes in the archive.
  if (!fitsMemory(archive.getEntryCount(), 0)) return undefined
  const sources = guard(() => archive.getEntries())
  if (sources.some(({ header }) => !fitsMemory(sources.length, header.size))) return undefined
  const checks = createEntryChecks(limits)
  const entries = sources.map((source): SmallEntry => {
    const { header } = source
    const entry = readZipRecord({
      rawName: source.rawEntryName,
      externalAttributes: header.attr,
      flags: header.flags,
      method: header.method,
      bytes: header.size,
      packedBytes: header.compressedSize,
    })
    const path = checks.add(entry)
    if (entry.kind !== 'symlink') return { path, entry, source }
    const target = decodeText(bytesOf(source, entry))
    checks.addTarget(path, target)
    return { path, entry, source, target }
  })
  checks.finish(zip.length)
  return { entries, bytes: checks.bytes }
}

/** Unpacks entry by entry: never more than one is in memory unpacked. When it throws, nothing of it is left. */
export async function unpackSmallZip(zip: SmallZip, dir: string): Promise<void> {
  await writeTree(dir, async tree => {
    for (const { path, entry, source, target } of zip.entries) {
      const marks = { mode: entry.mode, mtimeMs: timeOf(source) }
      if (target !== undefined) tree.symlink(path, target)
      else if (entry.kind === 'directory') await tree.directory(path, marks)
      else await tree.file(path, marks, handle => handle.writeFile(bytesOf(source, entry)))
    }
  })
}

/** Checked by adm-zip: not more than was claimed, and the CRC-32. */
function bytesOf(source: AdmZip.IZipEntry, entry: ZipEntry): Buffer {
  const bytes = guard(() => source.getData())
  if (bytes.length !== entry.bytes) throw new ArchiveError(`${JSON.stringify(entry.name)} has not the size it claims`)
  return bytes
}

/** The Unix time of the extra field, else the local time of the record; none for the first day that a zip can name. */
function timeOf(source: AdmZip.IZipEntry): number | undefined {
  const { extra } = source
  for (let at = 0; at + 9 <= extra.length; at += 4 + extra.readUInt16LE(at + 2))
    if (extra.readUInt16LE(at) === 0x5455 && (extra[at + 4] ?? 0) & 1) return extra.readInt32LE(at + 5) * 1e3
  const { time } = source.header
  const isMeant = time.getFullYear() > 1980 && !Number.isNaN(time.getTime())
  return isMeant ? time.getTime() : undefined
}

/** What adm-zip throws is about the archive. */
function guard<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ArchiveError) throw error
    throw new ArchiveError(`not a zip that can be read: ${error instanceof Error ? error.message : error}`)
  }
}
