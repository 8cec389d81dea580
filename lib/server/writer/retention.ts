import type { Clock, Timer } from '../../base/clock.js'
import type { RetentionConfig } from '../../base/config.js'
import type { Log } from '../../base/log.js'
import type { FindUnused, Removal } from '../../blobs/removal.js'
import { dueJobs, type RetentionLimits } from '../../domain/retention.js'
import type { BackupLock } from '../../store/backup-lock.js'
import type { KeptQueue } from '../../store/retention-store.js'
import type { QueueId, Store } from '../../store/store.js'

/**
 * Jobs of one step, however many are due: what a claim may have to wait for is one transaction that prunes so many, a
 * third of a millisecond, and at most as many reads of old pages from the disk.
 */
export const JOBS_MAX = 8
const QUEUES_MAX = 16
/** Between steps: while there is more to do, at most 7 million jobs a day; otherwise 57,000 actions are seen in an hour. */
const BUSY_MS = 50
const IDLE_MS = 1_000
/** After something went wrong: a disk, most likely. */
const FAILED_MS = 60_000
/** One folder of bundles each time: all of them in an hour and a quarter. */
const BUNDLES_MS = 17_000

export interface RetentionParts {
  readonly store: Pick<
    Store,
    'listKept' | 'readOldestKept' | 'pruneJobs' | 'listUnremoved' | 'noteRemoved' | 'findUnusedBundles'
  >
  readonly removal: Removal
  /** While it is taken no file goes: a backup reads them. */
  readonly backupLock: Pick<BackupLock, 'isTaken'>
  readonly clock: Clock
}

export const limitsOf = ({ limits, actions }: RetentionConfig, { action }: KeptQueue): RetentionLimits =>
  (action === undefined ? undefined : actions.get(action)) ?? limits

/**
 * Gives up the files of at most JOBS_MAX jobs of a queue, if its limits ask for that. The rows first, durable, the files
 * after: a job that is not marked as pruned has its files, whenever the power fails.
 * @returns how many jobs
 */
export async function pruneQueue(parts: RetentionParts, kept: KeptQueue, limits: RetentionLimits): Promise<number> {
  const nowMs = Math.round(parts.clock.nowMs())
  const oldest = await parts.store.readOldestKept(kept.queue, JOBS_MAX)
  const due = dueJobs(limits, kept, oldest, nowMs)
  if (due.length === 0) return 0
  return (
    await parts.store.pruneJobs(
      due.map(({ job }) => job),
      nowMs,
    )
  ).length
}

/** Removes files of pruned jobs, of at most JOBS_MAX. @returns of how many */
export async function removePruned({ store, removal, backupLock }: RetentionParts): Promise<number> {
  const left = await store.listUnremoved(JOBS_MAX)
  // In this order: a backup that begins from here on copies rows which say that these were given up.
  if (left.length === 0 || backupLock.isTaken()) return 0
  await removal.removeJobs(left)
  await store.noteRemoved(left.map(({ job }) => job))
  return left.length
}

/** Removes the bundles of one folder that no job needs, as Removal.sweepBundles. @returns how many */
export async function removeBundles({ store, removal, backupLock, clock }: RetentionParts): Promise<number> {
  const findUnused: FindUnused = async bundles => {
    const unused = await store.findUnusedBundles(bundles)
    return backupLock.isTaken() ? [] : unused
  }
  return await removal.sweepBundles(findUnused, clock.nowMs())
}

/** Keeps to the retention of the configuration, a little at a time, for as long as the daemon runs. */
export function startRetention(
  parts: RetentionParts & { readonly log: Log },
  config: RetentionConfig,
): { configure(config: RetentionConfig): void; stop(): void } {
  const { store, clock, log } = parts
  let timer: Timer
  let isStopped: boolean = false
  let after: QueueId | undefined
  let bundlesDueAtMs = clock.monotonicMs()

  async function step(): Promise<number> {
    let done = await removePruned(parts)
    const queues = await store.listKept(after, QUEUES_MAX)
    after = queues.length < QUEUES_MAX ? undefined : queues.at(-1)?.queue
    for (const kept of queues) {
      if (done >= JOBS_MAX) break
      done += await pruneQueue(parts, kept, limitsOf(config, kept))
    }
    if (clock.monotonicMs() >= bundlesDueAtMs) {
      bundlesDueAtMs = clock.monotonicMs() + BUNDLES_MS
      await removeBundles(parts)
    }
    return done
  }

  function again(delayMs: number): void {
    if (!isStopped) timer = clock.after(delayMs, next, { background: true })
  }
  function next(): void {
    step().then(
      done => again(done > 0 ? BUSY_MS : IDLE_MS),
      error => {
        if (!isStopped) log.warn('what retention does not keep could not be removed', { reason: String(error) })
        again(FAILED_MS)
      },
    )
  }
  again(IDLE_MS)
  return {
    configure(changed) {
      config = changed
    },
    stop() {
      isStopped = true
      timer.cancel()
    },
  }
}
