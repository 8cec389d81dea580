import { ArchiveError } from './archive-error.js'
import type { EntryClaim, EntryKind } from './entry-checks.js'

/** The fields of a central directory record that decide what an entry becomes, whoever read them. */
export interface ZipRecord {
  readonly rawName: Buffer
  readonly externalAttributes: number
  readonly flags: number
  readonly method: number
  readonly bytes: number
  readonly packedBytes: number
}

export interface ZipEntry extends EntryClaim {
  /** Permissions without setuid, setgid and sticky; undefined when the archive has none. */
  readonly mode: number | undefined
}

const TYPE_MASK = 0o170000
const TYPES: ReadonlyMap<number, EntryKind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
])
const ENCRYPTED = 1
/** Of ZipRecord.method: the bytes lie there as they are. */
export const STORED = 0
const DEFLATED = 8
/** No deflate stream unpacks to more than this many times its length. */
const DEFLATE_RATIO_MAX = 1_032
const TARGET_BYTES_MAX = 4_096

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws ArchiveError when no honest packer would have written this */
export function readZipRecord(record: ZipRecord): ZipEntry {
  const name = decodeText(record.rawName)
  const unix = (record.externalAttributes >>> 16) & 0xffff
  const kind = kindOf(name, unix)
  const refuse = (why: string): never => {
    throw new ArchiveError(`the entry ${JSON.stringify(name.slice(0, 200))} ${why}`)
  }
  if (record.flags & ENCRYPTED) refuse('is encrypted')
  if (record.method !== STORED && record.method !== DEFLATED) refuse('is packed by an unknown method')
  if (record.method === STORED && record.bytes !== record.packedBytes) refuse('claims two sizes')
  if (record.bytes > record.packedBytes * DEFLATE_RATIO_MAX + DEFLATE_RATIO_MAX) refuse('claims an impossible size')
  if (kind === 'symlink' && record.bytes > TARGET_BYTES_MAX) refuse('is a symbolic link of impossible length')
  if (kind === 'directory' && record.bytes > 0) refuse('is a directory with bytes')
  const mode = unix === 0 ? undefined : unix & 0o777
  return { name, kind, bytes: record.bytes, packedBytes: record.packedBytes, mode }
}

/** @throws ArchiveError when the bytes are not UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new ArchiveError('a name in the archive is not UTF-8')
  }
}

function kindOf(name: string, unix: number): EntryKind {
  const type = unix & TYPE_MASK
  const kind = type === 0 ? (name.endsWith('/') ? 'directory' : 'file') : TYPES.get(type)
  if (kind === undefined || (kind === 'directory') !== name.endsWith('/'))
    throw new ArchiveError(`the entry ${JSON.stringify(name.slice(0, 200))} is neither file, directory nor symlink`)
  return kind
}
