import { readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type JobId, parseSha256, type Sha256 } from '../../protocol/ids.js'
import { ensureDirectory, syncEntries } from './directories.js'
import { codeOf } from './disk-errors.js'
import { artifactPaths, bundlePaths, logPaths } from './paths.js'

/** Folders of bundles: the first two hex digits of their names. */
const BUNDLE_FOLDERS = 256
/** Asked for at once: the store answers on the thread that asks, and others wait for it. */
const BUNDLES_MAX = 128
/** A bundle that was sent or asked for since is about to be needed. */
const UNUSED_MS = 24 * 3_600_000

/** Takes files away for good. Only for what nobody has a right to any more. */
export interface Removal {
  /** Removes logs and artifacts of all attempts; durable when it resolves. What is gone already is no error. */
  removeJobs(jobs: readonly { readonly job: JobId; readonly attempt: number }[]): Promise<void>
  /**
   * Removes bundles of one folder, each time of the next one, that `findUnused` names and that nobody touched for a day.
   * @returns how many were removed
   */
  sweepBundles(findUnused: (bundles: readonly Sha256[]) => Promise<readonly Sha256[]>, nowMs: number): Promise<number>
}

export function createRemoval(dataDir: string): Removal {
  let nextFolder = 0
  return {
    async removeJobs(jobs) {
      const directories = new Set<string>()
      for (const { job, attempt: last } of jobs)
        for (let attempt = 1; attempt <= last; attempt++) {
          const log = logPaths(dataDir, { job, attempt })
          const artifacts = artifactPaths(dataDir, { job, attempt })
          const paths = [log.streams.stdout, log.streams.stderr, log.order, artifacts.part, artifacts.final]
          // One at a time: the few threads that libuv has for files serve every log and artifact that comes in.
          for (const path of paths) await whereThere(() => unlink(path))
          for (const directory of [log.directory, artifacts.directory]) directories.add(directory)
        }
      for (const directory of directories) await whereThere(() => syncEntries(directory))
    },
    async sweepBundles(findUnused, nowMs) {
      const folder = join(dataDir, 'bundles', nextFolder.toString(16).padStart(2, '0'))
      nextFolder = (nextFolder + 1) % BUNDLE_FOLDERS
      const names = (await whereThere(() => readdir(folder))) ?? []
      const bundles = names.map(name => parseSha256(basename(name, '.zip'))).filter(bundle => bundle !== undefined)
      let removed = 0
      for (let from = 0; from < bundles.length; from += BUNDLES_MAX) {
        const unused = await findUnused(bundles.slice(from, from + BUNDLES_MAX))
        for (const bundle of unused) if (await removeUntouched(dataDir, bundle, nowMs)) removed++
        await setImmediate()
      }
      return removed
    },
  }
}

/**
 * Who needs a bundle touches it first. It is looked at under another name, where nobody can touch it any more: found
 * untouched there it can go, and a job that is queued since finds none.
 */
async function removeUntouched(dataDir: string, bundle: Sha256, nowMs: number): Promise<boolean> {
  const { final, parts } = bundlePaths(dataDir, bundle, 0)
  if (!(await isUntouched(final, nowMs))) return false
  const aside = join(parts, `${bundle}.unused`)
  // A restored backup has none.
  await ensureDirectory(parts)
  await rename(final, aside)
  if (await isUntouched(aside, nowMs)) {
    await rm(aside)
    return true
  }
  await rename(aside, final)
  return false
}

const isUntouched = async (path: string, nowMs: number): Promise<boolean> =>
  nowMs - (await stat(path)).mtimeMs > UNUSED_MS

async function whereThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
