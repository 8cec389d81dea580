import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { ARTIFACT_LIMITS } from './archive-limits.js'
import { checkTreeFiles } from './entry-checks.js'
import { compileGlobs } from './globs.js'
import { type TreeFile, walkTree } from './tree-files.js'
import { ZipMaking } from './zip-making.js'

/** What a directory gets that no entry names. */
const PLAIN_MODES: ReadonlySet<number> = new Set([0o755, 0o775])

/**
 * Zips what matches below `root`, and everything in `extraDir` under its own names. Modes, times and symlinks are kept.
 * Undefined when no file matched.
 * @throws ArchiveError when a symlink leads out, or when the archive could not be unpacked again
 */
export async function zipGlobs(
  root: string,
  globs: readonly string[],
  extraDir: string | undefined,
): Promise<ZipMaking | undefined> {
  const found = await findFiles(root, globs, extraDir)
  if (found.every(({ kind }) => kind === 'directory')) return undefined
  checkTreeFiles(found, ARTIFACT_LIMITS)
  return new ZipMaking(found)
}

async function findFiles(
  root: string,
  patterns: readonly string[],
  extraDir: string | undefined,
): Promise<readonly TreeFile[]> {
  const globs = compileGlobs(patterns)
  const found: TreeFile[] = []
  for (const base of globs.bases)
    if (await isReachable(root, base))
      for await (const file of walkTree(root, base, { isWanted: globs.matches }))
        if (globs.matches(file.path)) found.push(file)
  if (extraDir !== undefined && (await lstat(extraDir).catch(() => undefined))?.isDirectory())
    for await (const file of walkTree(extraDir, '')) found.push(file)
  return withoutNeedless(found)
}

/** Without directories that come back by what is in them: each entry costs yazl a look at all before it. */
function withoutNeedless(found: readonly TreeFile[]): TreeFile[] {
  const parents = new Set(found.map(({ path }) => path.slice(0, Math.max(0, path.lastIndexOf('/')))))
  return found.filter(({ kind, path, mode }) => kind !== 'directory' || !parents.has(path) || !PLAIN_MODES.has(mode))
}

/** Whether every directory on the way is one, and no symlink that may lead anywhere. */
async function isReachable(root: string, base: string): Promise<boolean> {
  for (let slash = base.indexOf('/'); slash >= 0; slash = base.indexOf('/', slash + 1)) {
    const stats = await lstat(join(root, base.slice(0, slash))).catch(() => undefined)
    if (!stats?.isDirectory()) return false
  }
  return true
}
