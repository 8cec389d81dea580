import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ArchiveError } from './archive-error.js'
import { byName } from './tree-files.js'

const LIST_BYTES_MAX = 64 * 1024 * 1024
const run = promisify(execFile)

/**
 * What git tracks below a directory, relative to it, sorted; a submodule is one path. Undefined when the directory is
 * no part of a checkout (git tracks nothing in it), or there is no git.
 * @throws ArchiveError when git refuses to read a checkout, with what it says
 */
export async function listTrackedFiles(dir: string): Promise<readonly string[] | undefined> {
  try {
    const { stdout } = await run('git', ['ls-files', '-z', '--cached'], {
      cwd: dir,
      env: gitEnvironment(),
      maxBuffer: LIST_BYTES_MAX,
    })
    // Unmerged files are listed once for each side.
    const paths = [...new Set(stdout.split('\0').filter(path => path !== ''))].sort(byName)
    return paths.length === 0 ? undefined : paths
  } catch (error) {
    const message = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
    if (message.includes('not a git repository') || codeOf(error) === 'ENOENT') return undefined
    throw new ArchiveError(`git cannot list ${dir}: ${message.trim().split('\n')[0] || error}`)
  }
}

/** Without the variables that a hook sets for another checkout than this one; messages in English. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const { GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, GIT_PREFIX, ...others } = process.env
  return { ...others, LC_ALL: 'C' }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
