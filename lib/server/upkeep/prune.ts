import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemClock } from '../../base/clock.js'
import type { DaemonConfig, RetentionConfig } from '../../base/config.js'
import { silentLog } from '../../base/log.js'
import { BUNDLE_FOLDERS, createRemoval, type FindUnused, unusedBundles } from '../../blobs/removal.js'
import { dueJobs } from '../../domain/retention.js'
import { type BackupLock, openBackupLock } from '../../store/backup-lock.js'
import { DATABASE_FILE, openReader, openStore } from '../../store/open.js'
import type { KeptQueue } from '../../store/retention-store.js'
import type { QueueId, StoreReader } from '../../store/store.js'
import { takeDataLock } from '../front/data-lock.js'
import { StartError } from '../front/start-error.js'
import { limitsOf, pruneQueue, type RetentionParts, removeBundles, removePruned } from '../writer/retention.js'

const PAGE_QUEUES = 100
/** Looked at of one action in a dry run: more than that is told as "at least". */
const JOBS_SHOWN_MAX = 100_000

/** What retention would give up now: jobs of one action, or bundles that no job needs. */
export type Due = {
  readonly count: number
  readonly bytes: number
} & (
  | {
      readonly kind: 'jobs'
      /** Missing for jobs of job.exec. */
      readonly action?: string
      /** There may be more. */
      readonly isPart: boolean
    }
  | { readonly kind: 'bundles' }
)

/** What was removed. */
export interface Pruned {
  readonly jobs: number
  readonly bundles: number
}

/** Says what retention would give up now; changes nothing, and a daemon may run meanwhile. @throws StartError */
export async function* findDue({ dataDir, retention }: DaemonConfig): AsyncGenerator<Due> {
  const directory = await existing(dataDir)
  const store = openReader(directory)
  try {
    for await (const kept of allKept(store)) {
      const oldest = await store.readOldestKept(kept.queue, JOBS_SHOWN_MAX)
      const due = dueJobs(limitsOf(retention, kept), kept, oldest, systemClock.nowMs())
      const bytes = sumOf(due)
      const { action } = kept
      const isPart = due.length === JOBS_SHOWN_MAX
      if (due.length > 0)
        yield { kind: 'jobs', ...(action !== undefined && { action }), count: due.length, bytes, isPart }
    }
    const unused: { readonly bytes: number }[] = []
    for await (const bundle of unusedBundles(directory, findUnusedIn(store), systemClock.nowMs())) unused.push(bundle)
    if (unused.length > 0) yield { kind: 'bundles', count: unused.length, bytes: sumOf(unused) }
  } finally {
    store.close()
  }
}

const findUnusedIn =
  (store: StoreReader): FindUnused =>
  bundles =>
    store.findUnusedBundles(bundles)

const sumOf = (parts: readonly { readonly bytes: number }[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0)

/**
 * Gives up and removes all that retention does not keep.
 * @returns of how many jobs, and how many bundles; undefined when a daemon runs on the directory, which does this by itself
 * @throws StartError
 */
export async function prune({ dataDir, retention }: DaemonConfig): Promise<Pruned | undefined> {
  const directory = await existing(dataDir)
  const lock = takeDataLock(directory)
  if (!lock) return undefined
  const backupLock = openBackupLock(directory)
  try {
    if (backupLock.isTaken()) throw new StartError(`a backup of ${directory} is being written: prune when that is done`)
    return await pruneHeld(directory, backupLock, retention)
  } finally {
    backupLock.close()
    lock.release()
  }
}

async function pruneHeld(directory: string, backupLock: BackupLock, retention: RetentionConfig): Promise<Pruned> {
  const store = openStore(directory, silentLog)
  const parts = { store, removal: createRemoval(directory), backupLock, clock: systemClock }
  try {
    return await pruneAll(parts, store, retention)
  } finally {
    store.close()
  }
}

async function pruneAll(parts: RetentionParts, store: StoreReader, retention: RetentionConfig): Promise<Pruned> {
  let [jobs, bundles] = [0, 0]
  // The totals are read anew for each turn: they follow what was given up.
  for await (const { queue } of allKept(store))
    for (let more = true; more; ) {
      const [kept] = await store.listKept(queue - 1, 1)
      const pruned = kept ? await pruneQueue(parts, kept, limitsOf(retention, kept)) : 0
      jobs += pruned
      more = pruned > 0
    }
  while ((await removePruned(parts)) > 0);
  for (let folder = 0; folder < BUNDLE_FOLDERS; folder++) bundles += await removeBundles(parts)
  return { jobs, bundles }
}

async function* allKept(store: StoreReader): AsyncGenerator<KeptQueue> {
  for (let after: QueueId | undefined, more = true; more; ) {
    const queues = await store.listKept(after, PAGE_QUEUES)
    yield* queues
    after = queues.at(-1)?.queue
    more = queues.length === PAGE_QUEUES
  }
}

async function existing(dataDir: string): Promise<string> {
  const directory = resolve(dataDir)
  if (await stat(join(directory, DATABASE_FILE)).catch(() => undefined)) return directory
  throw new StartError(`there is no database in ${directory}: name the data directory of a daemon by --data`)
}
