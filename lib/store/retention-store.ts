import type { JobId, Name, Sha256 } from '../../protocol/ids.js'
import type { KeptJob, KeptTotals } from '../domain/retention.js'
import type { QueueId } from './store.js'

/** The jobs of a queue that have ended, that are not pinned, and whose logs and artifacts are there. */
export interface KeptQueue extends KeptTotals {
  readonly queue: QueueId
  /** Missing for a queue of job.exec. */
  readonly action?: Name
}

/** A part of StoreReader. */
export interface RetentionReader {
  /** When the files of a job were given up, ms since the epoch; undefined while they stay. */
  readPrunedAtMs(job: JobId): Promise<number | undefined>
  /** Queues behind `after`, in order, of which any job was ever kept. */
  listKept(after: QueueId | undefined, limit: number): Promise<readonly KeptQueue[]>
  /** The kept jobs of a queue that ended first, in that order. Visits no more rows than it returns. */
  readOldestKept(queue: QueueId, limit: number): Promise<readonly KeptJob[]>
  /** Pruned jobs whose files may still be there, with their last attempt. Visits no more rows than it returns. */
  listUnremoved(limit: number): Promise<readonly { readonly job: JobId; readonly attempt: number }[]>
  /** Those of them that no job needs which is not pruned. */
  findUnusedBundles(bundles: readonly Sha256[]): Promise<readonly Sha256[]>
}

/** A part of StoreWriter: what holds for all of it holds here. */
export interface RetentionWriter {
  /**
   * The files of a pinned job stay, those of another one may be given up.
   * @throws JankinsError E_JOB_NOT_FOUND, E_PRUNED
   */
  setPinned(job: JobId, pinned: boolean): Promise<{ readonly changed: boolean }>
  /**
   * Gives up the files of kept jobs: from the commit on nobody is shown them, and they may be removed.
   * @returns the jobs that were still kept
   */
  pruneJobs(jobs: readonly JobId[], nowMs: number): Promise<readonly JobId[]>
  /** The files of these pruned jobs are gone. */
  noteRemoved(jobs: readonly JobId[]): Promise<void>
}
