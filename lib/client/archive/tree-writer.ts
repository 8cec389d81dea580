import { constants, existsSync } from 'node:fs'
import { chmod, type FileHandle, lstat, mkdir, open, rmdir, symlink, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory } from '../../base/make-directory.js'
import { ArchiveError } from './archive-error.js'

/** What a file or directory gets besides its bytes. */
export interface Marks {
  /** 0..0o777; the default of the process when undefined. */
  readonly mode: number | undefined
  readonly mtimeMs: number | undefined
}

/** Takes checked entries. */
export interface TreeWriter {
  /** @param write puts the bytes into the handle, which is closed afterwards. @throws ArchiveError when it exists */
  file(path: string, marks: Marks, write: (handle: FileHandle) => Promise<void>): Promise<void>
  directory(path: string, marks: Marks): Promise<void>
  /** Made after everything else: nothing is written through a link. */
  symlink(path: string, target: string): void
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/**
 * Writes what `work` hands over below a directory, which is made when it is missing. Nothing that is there already is
 * written over or followed: each file is new, and each directory on the way is a real one. Whatever is thrown, by `work`
 * too, of this nothing is left.
 */
export async function writeTree(root: string, work: (tree: TreeWriter) => Promise<void>): Promise<void> {
  const known = new Set<string>()
  /** Below the root, in the order in which it was made. */
  const made: { path: string; isDirectory: boolean }[] = []
  const directories: { path: string; marks: Marks }[] = []
  const links: { path: string; target: string }[] = []

  async function ensureDirectory(path: string): Promise<void> {
    if (path === '' || known.has(path)) return
    await ensureDirectory(parentOf(path))
    try {
      await mkdir(join(root, path))
      made.push({ path, isDirectory: true })
    } catch (error) {
      if (!isExists(error)) throw error
      if (!(await lstat(join(root, path))).isDirectory()) throw new ArchiveError(`${path} is there and no directory`)
    }
    known.add(path)
  }

  const tree: TreeWriter = {
    async file(path, marks, write) {
      await ensureDirectory(parentOf(path))
      const handle = await createNew(join(root, path), path)
      made.push({ path, isDirectory: false })
      try {
        await write(handle)
        if (marks.mode !== undefined) await handle.chmod(marks.mode & 0o777)
        if (marks.mtimeMs !== undefined) await handle.utimes(marks.mtimeMs / 1e3, marks.mtimeMs / 1e3)
      } finally {
        await handle.close()
      }
    },
    async directory(path, marks) {
      await ensureDirectory(path)
      directories.push({ path, marks })
    },
    symlink(path, target) {
      links.push({ path, target })
    },
  }

  async function finish(): Promise<void> {
    for (const { path, target } of links) {
      await ensureDirectory(parentOf(path))
      await symlink(target, join(root, path)).catch(error => {
        throw isExists(error) ? new ArchiveError(`${path} exists already`) : error
      })
      made.push({ path, isDirectory: false })
    }
    // Deepest first: a mark on a directory is the last thing that happens in it.
    for (const { path, marks } of directories.sort((a, b) => b.path.length - a.path.length)) {
      if (marks.mode !== undefined) await chmod(join(root, path), (marks.mode & 0o777) | 0o700)
      if (marks.mtimeMs !== undefined) await utimes(join(root, path), marks.mtimeMs / 1e3, marks.mtimeMs / 1e3)
    }
  }

  /** What cannot be taken away stays: why it came to this is told, not that. */
  async function undo(): Promise<void> {
    for (const { path, isDirectory } of made.reverse())
      await (isDirectory ? rmdir : unlink)(join(root, path)).catch(() => {})
    if (isNew) await rmdir(root).catch(() => {})
  }

  const isNew = !existsSync(root)
  makeDirectory(root)
  try {
    await work(tree)
    await finish()
  } catch (error) {
    await undo()
    throw error
  }
}

async function createNew(absolute: string, path: string): Promise<FileHandle> {
  try {
    return await open(absolute, NEW_FILE, 0o666)
  } catch (error) {
    throw isExists(error) ? new ArchiveError(`${path} exists already`) : error
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

const isExists = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EEXIST'
