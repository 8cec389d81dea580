import { lstat, opendir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { ArchiveError } from './archive-error.js'

/** Something in a directory tree that an archive can hold. Times are ms since the epoch. */
export interface TreeFile {
  /** Below the root, with `/`, never beginning or ending with it. */
  readonly path: string
  readonly absolute: string
  readonly kind: 'file' | 'directory' | 'symlink'
  /** Of a symlink: the length of its target. */
  readonly bytes: number
  /** 0..0o777 */
  readonly mode: number
  readonly mtimeMs: number
  /** Where a symlink leads, as it stands in the file system. */
  readonly target?: string
}

/**
 * @param isWanted asked of a name that is not UTF-8, with marks where it is not
 * @returns undefined for what is not there or not wanted, and for sockets, pipes and devices
 * @throws ArchiveError on a bad name of what is wanted
 */
export async function readTreeFile(
  root: string,
  path: string,
  isWanted: (path: string) => boolean = () => true,
): Promise<TreeFile | undefined> {
  const absolute = join(root, path)
  const stats = await lstat(absolute).catch(error => {
    if (!isMissing(error)) throw error
    // A name that is not UTF-8 comes out of the directory with marks in it, and nothing has that name.
    if (path.includes('\ufffd') && isWanted(path))
      throw new ArchiveError(`the name ${JSON.stringify(path)} is not UTF-8`)
    return undefined
  })
  if (!stats) return undefined
  const file = { path, absolute, bytes: stats.size, mode: stats.mode & 0o777, mtimeMs: stats.mtimeMs }
  if (stats.isFile()) return { ...file, kind: 'file' }
  if (stats.isDirectory()) return { ...file, bytes: 0, kind: 'directory' }
  if (!stats.isSymbolicLink()) return undefined
  const target = await readlink(absolute)
  return { ...file, bytes: Buffer.byteLength(target), kind: 'symlink', target }
}

/** What a walk leaves out, with all that it holds; nothing by default. */
export interface WalkRules {
  readonly enters?: (directory: TreeFile) => Promise<boolean>
  /** As in readTreeFile. */
  readonly isWanted?: (path: string) => boolean
}

/**
 * Everything below `from`, itself included unless it is the root, each directory before what is in it, by name;
 * symlinks are not followed.
 * @param from below the root; '' is the root
 * @throws ArchiveError on a bad name of what is wanted
 */
export async function* walkTree(root: string, from: string, rules: WalkRules = {}): AsyncGenerator<TreeFile> {
  if (from !== '') {
    const start = await readTreeFile(root, from, rules.isWanted)
    if (!start) return
    if (start.kind === 'directory' && rules.enters && !(await rules.enters(start))) return
    yield start
    if (start.kind !== 'directory') return
  }
  const names: string[] = []
  for await (const { name } of await opendir(join(root, from))) names.push(name)
  for (const name of names.sort(byName)) yield* walkTree(root, from === '' ? name : `${from}/${name}`, rules)
}

/** By code units: the same order on every machine. */
export const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
