import { ArchiveError } from './archive-error.js'
import type { ArchiveLimits } from './archive-limits.js'
import { leadsOut } from './link-target.js'
import type { TreeFile } from './tree-files.js'

export type EntryKind = 'file' | 'directory' | 'symlink'

/** What an archive says of one entry, before its bytes are looked at. */
export interface EntryClaim {
  /** As it stands in the archive; a directory ends in `/`. */
  readonly name: string
  readonly kind: EntryKind
  /** Unpacked. */
  readonly bytes: number
  /** In the archive. */
  readonly packedBytes: number
}

/**
 * The rules that every archive keeps, on both sides: whoever makes one finds out before it is sent, whoever unpacks
 * one before a byte is written. Pure.
 */
export interface EntryChecks {
  /** @returns the path below the directory of the archive, without a trailing slash. @throws ArchiveError */
  add(claim: EntryClaim): string
  /** Where a symlink that was added leads, as it stands in the archive. */
  addTarget(path: string, target: string): void
  /**
   * Call when all is added.
   * @param archiveBytes size of the archive, where there is one already: entries that share bytes are more than fit
   * @throws ArchiveError when a symlink leads out, or the archive is a bomb
   */
  finish(archiveBytes?: number): void
  readonly bytes: number
}

export const PATH_BYTES_MAX = 4_096
const COMPONENT_BYTES_MAX = 255

interface Known {
  readonly path: string
  readonly kind: EntryKind
  /** Only the parent of something so far, not named itself. */
  implied: boolean
}

export function createEntryChecks(limits: ArchiveLimits): EntryChecks {
  /** By the path as a file system that ignores case would see it. */
  const known = new Map<string, Known>()
  const targets = new Map<string, string>()
  let entryCount = 0
  let bytes = 0
  let packedBytes = 0

  function place(path: string, kind: EntryKind, implied: boolean): void {
    const key = path.normalize('NFC').toLowerCase()
    const other = known.get(key)
    if (!other) return void known.set(key, { path, kind, implied })
    if (other.path !== path) throw new ArchiveError(`${quote(path)} and ${quote(other.path)} differ only in case`)
    if (kind === 'directory' && other.kind === 'directory' && (implied || other.implied)) {
      other.implied &&= implied
      return
    }
    if (implied) throw new ArchiveError(`something lies below ${quote(path)}, which is a ${other.kind}`)
    throw new ArchiveError(`${quote(path)} is there twice`)
  }

  return {
    add(claim) {
      const path = checkName(claim.name, claim.kind)
      if (++entryCount > limits.entriesMax) throw new ArchiveError(`more than ${limits.entriesMax} entries`)
      if (claim.bytes > limits.fileBytesMax)
        throw new ArchiveError(`${quote(path)} has ${claim.bytes} bytes; at most ${limits.fileBytesMax} are allowed`)
      bytes += claim.bytes
      packedBytes += claim.packedBytes
      if (bytes > limits.bytesMax) throw new ArchiveError(`more than ${limits.bytesMax} bytes when unpacked`)
      for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
        place(path.slice(0, slash), 'directory', true)
      place(path, claim.kind, false)
      return path
    },
    addTarget(path, target) {
      checkTarget(path, target)
      targets.set(path, target)
    },
    finish(archiveBytes = Number.POSITIVE_INFINITY) {
      if (packedBytes > archiveBytes) throw new ArchiveError('entries overlap: this is a bomb')
      for (const path of targets.keys())
        if (leadsOut(path, targets))
          throw new ArchiveError(`the symbolic link ${quote(path)} leads out: ${quote(targets.get(path) ?? '')}`)
      if (bytes > limits.ratioFreeBytes && bytes > packedBytes * limits.ratioMax)
        throw new ArchiveError(`${packedBytes} bytes would become ${bytes}: this is a bomb`)
    },
    get bytes() {
      return bytes
    },
  }
}

/** Checks what is to be packed as it will be checked when it is unpacked. @throws ArchiveError */
export function checkTreeFiles(files: readonly TreeFile[], limits: ArchiveLimits): void {
  const checks = createEntryChecks(limits)
  for (const { path, kind, bytes, target } of files) {
    checks.add({ name: path, kind, bytes, packedBytes: bytes })
    if (target !== undefined) checks.addTarget(path, target)
  }
  checks.finish()
}

function checkName(name: string, kind: EntryKind): string {
  const path = kind === 'directory' && name.endsWith('/') ? name.slice(0, -1) : name
  const refuse = (why: string): never => {
    throw new ArchiveError(`the name ${quote(name)} ${why}`)
  }
  if (path === '') refuse('is empty')
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) refuse('is too long')
  if (path.includes('\0')) refuse('has a NUL')
  if (path.includes('\\')) refuse('has a backslash')
  if (path.startsWith('/')) refuse('is absolute')
  if (/^[A-Za-z]:/.test(path)) refuse('begins with a drive letter')
  for (const component of path.split('/')) {
    if (component === '' || component === '.' || component === '..') refuse(`has the part ${quote(component)}`)
    if (Buffer.byteLength(component) > COMPONENT_BYTES_MAX) refuse('has a part that is too long')
  }
  return path
}

function checkTarget(path: string, target: string): void {
  const bad = target === '' || target.includes('\0') || target.includes('\\') || /^([A-Za-z]:|\/)/.test(target)
  if (bad || Buffer.byteLength(target) > PATH_BYTES_MAX)
    throw new ArchiveError(`the symbolic link ${quote(path)} leads out: ${quote(target)}`)
}

/** For a message: short, and without control characters that a terminal would obey. */
const quote = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text)
