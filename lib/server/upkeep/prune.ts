import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemClock } from '../../base/clock.js'
import type { DaemonConfig, RetentionConfig } from '../../base/config.js'
import { silentLog } from '../../base/log.js'
import { createRemoval } from '../../blobs/removal.js'
import { dueJobs } from '../../domain/retention.js'
import { DATABASE_FILE, openReader, openStore } from '../../store/open.js'
import type { KeptQueue } from '../../store/retention-store.js'
import type { QueueId, StoreReader } from '../../store/store.js'
import { takeDataLock } from '../front/data-lock.js'
import { StartError } from '../front/start-error.js'
import { limitsOf, pruneQueue, type RetentionParts, removePruned } from '../writer/retention.js'

const PAGE_QUEUES = 100
/** Looked at of one action in a dry run: more than that is told as "at least". */
const JOBS_SHOWN_MAX = 100_000

/** What retention would give up of one action now. */
export interface Due {
  /** Missing for jobs of job.exec. */
  readonly action?: string
  readonly jobs: number
  readonly bytes: number
  /** There may be more. */
  readonly isPart: boolean
}

/** Says what retention would give up now; changes nothing, and a daemon may run meanwhile. @throws StartError */
export async function* findDue({ dataDir, retention }: DaemonConfig): AsyncGenerator<Due> {
  const store = openReader(await existing(dataDir))
  try {
    for await (const kept of allKept(store)) {
      const oldest = await store.readOldestKept(kept.queue, JOBS_SHOWN_MAX)
      const due = dueJobs(limitsOf(retention, kept), kept, oldest, systemClock.nowMs())
      const bytes = due.reduce((sum, job) => sum + job.bytes, 0)
      const { action } = kept
      const isPart = due.length === JOBS_SHOWN_MAX
      if (due.length > 0) yield { ...(action !== undefined && { action }), jobs: due.length, bytes, isPart }
    }
  } finally {
    store.close()
  }
}

/**
 * Gives up and removes all that retention does not keep.
 * @returns how many jobs; undefined when a daemon runs on the directory, which does this by itself
 * @throws StartError
 */
export async function prune({ dataDir, retention }: DaemonConfig): Promise<number | undefined> {
  const directory = await existing(dataDir)
  const lock = takeDataLock(directory)
  if (!lock) return undefined
  const store = openStore(directory, silentLog)
  try {
    return await pruneAll({ store, removal: createRemoval(directory), clock: systemClock }, store, retention)
  } finally {
    store.close()
    lock.release()
  }
}

async function pruneAll(parts: RetentionParts, store: StoreReader, retention: RetentionConfig): Promise<number> {
  let count = 0
  // The totals are read anew for each turn: they follow what was given up.
  for await (const { queue } of allKept(store))
    for (let more = true; more; ) {
      const [kept] = await store.listKept(queue - 1, 1)
      const pruned = kept ? await pruneQueue(parts, kept, limitsOf(retention, kept)) : 0
      count += pruned
      more = pruned > 0
    }
  while ((await removePruned(parts)) > 0);
  return count
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
