import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import AdmZip from 'adm-zip'
import { parseSha256, type Sha256 } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { ArchiveError } from './archive-error.js'
import { BUNDLE_LIMITS } from './archive-limits.js'
import { checkTreeFiles } from './entry-checks.js'
import { listTrackedFiles } from './git-files.js'
import { type IgnoreRules, parseGitignore } from './gitignore.js'
import { readTreeFile, type TreeFile, walkTree } from './tree-files.js'

/** Left out where git does not say what belongs. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', 'node_modules', 'dist'])
/** Bundles carry no times: equal files make equal bundles, whenever and wherever they were checked out. */
const NO_TIME = new Date(1980, 0, 1)

/**
 * Packs a directory for a job: in a git checkout what git tracks, as it is in the working tree now; elsewhere all but
 * node_modules, .git, dist and what .gitignore names. Modes and symlinks are kept, times are not.
 * @throws ArchiveError when it is more than LIMITS.bundleBytesMax, or could not be unpacked again
 */
export async function packDirectory(dir: string): Promise<{ zip: Buffer; sha256: Sha256 }> {
  if (!(await stat(dir)).isDirectory()) throw new ArchiveError(`${dir} is not a directory`)
  const tracked = await listTrackedFiles(dir)
  const files = tracked ? await readTracked(dir, tracked) : await readUntracked(dir)
  if (files.length === 0) throw new ArchiveError(`there is nothing in ${dir} to send`)
  checkTreeFiles(files, BUNDLE_LIMITS)
  const zip = await pack(files)
  if (zip.length > LIMITS.bundleBytesMax.value)
    throw new ArchiveError(
      `${dir} packs to ${zip.length} bytes; a bundle may have ${LIMITS.bundleBytesMax.value}: leave large files out`,
    )
  const sha256 = parseSha256(createHash('sha256').update(zip).digest('hex'))
  if (!sha256) throw new Error('a SHA-256 is 64 hex digits')
  return { zip, sha256 }
}

/**
 * What is deleted in the working tree is left out, and what lies behind a directory that is a symlink by now: git does
 * not track that. Of a submodule git lists the directory only.
 */
async function readTracked(dir: string, paths: readonly string[]): Promise<TreeFile[]> {
  const files: TreeFile[] = []
  const directories = new Map<string, boolean>([['', true]])
  const isDirectory = async (path: string): Promise<boolean> => {
    const known = directories.get(path)
    if (known !== undefined) return known
    const is = (await isDirectory(parentOf(path))) && (await readTreeFile(dir, path))?.kind === 'directory'
    directories.set(path, is)
    return is
  }
  for (const path of paths) {
    const file = (await isDirectory(parentOf(path))) ? await readTreeFile(dir, path) : undefined
    if (file) files.push(file)
  }
  return files
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

async function readUntracked(dir: string): Promise<TreeFile[]> {
  /** By the directory that they are in. */
  const rules = new Map<string, IgnoreRules>()
  const readRules = async (directory: string): Promise<void> => {
    const text = await readFile(join(dir, directory, '.gitignore'), 'utf8').catch(() => '')
    if (text !== '') rules.set(directory, parseGitignore(text))
  }
  const isLeftOut = (file: TreeFile): boolean => {
    if (LEFT_OUT.has(file.path.slice(file.path.lastIndexOf('/') + 1))) return true
    let ignored = false
    for (const [directory, says] of rules) {
      const prefix = directory === '' ? '' : `${directory}/`
      if (file.path.startsWith(prefix))
        ignored = says(file.path.slice(prefix.length), file.kind === 'directory') ?? ignored
    }
    return ignored
  }
  const files: TreeFile[] = []
  await readRules('')
  const enters = async (directory: TreeFile): Promise<boolean> => {
    if (isLeftOut(directory)) return false
    await readRules(directory.path)
    return true
  }
  for await (const file of walkTree(dir, '', { enters }))
    if (file.kind === 'directory' || !isLeftOut(file)) files.push(file)
  return files
}

async function pack(files: readonly TreeFile[]): Promise<Buffer> {
  const archive = new AdmZip(undefined, { noSort: true })
  for (const file of files) {
    const name = file.kind === 'directory' ? `${file.path}/` : file.path
    const type = { file: 0o100000, directory: 0o040000, symlink: 0o120000 }[file.kind]
    const entry = archive.addFile(name, await contentOf(file))
    entry.attr = (((type | file.mode) << 16) | (file.kind === 'directory' ? 0x10 : 0)) >>> 0
    entry.header.time = NO_TIME
  }
  return archive.toBuffer()
}

async function contentOf(file: TreeFile): Promise<Buffer> {
  if (file.kind === 'directory') return Buffer.alloc(0)
  return file.target === undefined ? readFile(file.absolute) : Buffer.from(file.target)
}
