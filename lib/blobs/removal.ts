import { readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type JobId, parseSha256, type Sha256 } from '../../protocol/ids.js'
import { ensureDirectory, syncEntries } from './directories.js'
import { codeOf } from './disk-errors.js'
import { artifactPaths, bundlePaths, logPaths } from './paths.js'

/** Folders of bundles: the first two hex digits of their names. */
export const BUNDLE_FOLDERS = 256
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
  sweepBundles(findUnused: FindUnused, nowMs: number): Promise<number>
}

/** @returns those of them that nobody needs */
export type FindUnused = (bundles: readonly Sha256[]) => Promise<readonly Sha256[]>

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
      const folder = nextFolder
      nextFolder = (nextFolder + 1) % BUNDLE_FOLDERS
      let removed = 0
      for await (const { bundle } of unusedIn(dataDir, folder, findUnused, nowMs))
        if (await removeUntouched(dataDir, bundle, nowMs)) removed++
      return removed
    },
  }
}

/** Bundles of all folders that sweepBundles would remove. */
export async function* unusedBundles(
  dataDir: string,
  findUnused: FindUnused,
  nowMs: number,
): AsyncGenerator<{ readonly bundle: Sha256; readonly bytes: number }> {
  for (let folder = 0; folder < BUNDLE_FOLDERS; folder++) yield* unusedIn(dataDir, folder, findUnused, nowMs)
}

async function* unusedIn(dataDir: string, folder: number, findUnused: FindUnused, nowMs: number) {
  const directory = join(dataDir, 'bundles', folder.toString(16).padStart(2, '0'))
  const names = (await whereThere(() => readdir(directory))) ?? []
  const bundles = names.map(name => parseSha256(basename(name, '.zip'))).filter(bundle => bundle !== undefined)
  for (let from = 0; from < bundles.length; from += BUNDLES_MAX) {
    for (const bundle of await findUnused(bundles.slice(from, from + BUNDLES_MAX))) {
      const found = await whereThere(() => stat(bundlePaths(dataDir, bundle, 0).final))
      if (found && nowMs - found.mtimeMs > UNUSED_MS) yield { bundle, bytes: found.size }
    }
    await setImmediate()
  }
}

/**
 * Who needs a bundle touches it first. It is looked at under another name, where nobody can touch it any more: found
 * untouched there it can go, and a job that is queued since finds none.
 */
async function removeUntouched(dataDir: string, bundle: Sha256, nowMs: number): Promise<boolean> {
  const { final, parts } = bundlePaths(dataDir, bundle, 0)
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
