import type { Buffer } from 'node:buffer'
import { JankinsError } from '../../../protocol/errors.js'
import type { JobId, Name, Sha256 } from '../../../protocol/ids.js'
import type { KeptJob } from '../../domain/retention.js'
import type { KeptQueue } from '../retention-store.js'
import type { QueueId } from '../store.js'
import { bytesOf, present } from './columns.js'
import type { Handle } from './database.js'
import { STATE_NUMBERS } from './states.js'

// A queue whose row is damaged away has no retention; its jobs end all the same.
const INSERT_KEPT = `
  INSERT INTO kept_files (queue, ended_at_ms, job, bytes)
  SELECT id, ?, ?, ? + coalesce((SELECT bytes FROM earlier_files WHERE job = ?), 0) FROM queues
  WHERE id = ? AND NOT EXISTS (SELECT 1 FROM job_pins WHERE job = ?)
  RETURNING bytes`
const ADD_EARLIER = `
  INSERT INTO earlier_files (job, bytes) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET bytes = bytes + excluded.bytes`
const DELETE_KEPT = 'DELETE FROM kept_files WHERE queue = ? AND ended_at_ms = ? AND job = ? RETURNING bytes'
const ADD_TOTALS = `
  INSERT INTO kept_totals (queue, jobs, bytes) VALUES (?, ?, ?)
  ON CONFLICT (queue) DO UPDATE SET jobs = jobs + excluded.jobs, bytes = bytes + excluded.bytes`
const ADD_USES = `
  INSERT INTO bundle_uses (bundle, jobs) VALUES (?, ?) ON CONFLICT (bundle) DO UPDATE SET jobs = jobs + excluded.jobs`
const DROP_USES = 'DELETE FROM bundle_uses WHERE bundle = ? AND jobs <= 0'
const IS_USED = 'SELECT 1 FROM bundle_uses WHERE bundle = ?'
const FIND_ENDED = `
  SELECT queue, state, coalesce(ended_at_ms, queued_at_ms) AS ended_at_ms, bundle,
    coalesce(log_bytes, 0) + coalesce(artifact_bytes, 0) AS bytes
  FROM jobs WHERE id = ?`
const FIND_FATE = `
  SELECT (SELECT 1 FROM job_pins WHERE job = ?) AS pinned,
    (SELECT pruned_at_ms FROM job_prunes WHERE job = ?) AS pruned_at_ms`
const PIN = 'INSERT INTO job_pins (job) VALUES (?) ON CONFLICT (job) DO NOTHING'
const UNPIN = 'DELETE FROM job_pins WHERE job = ?'
const PRUNE = 'INSERT INTO job_prunes (job, pruned_at_ms, files_left) VALUES (?, ?, 1)'
const REMOVED = 'UPDATE job_prunes SET files_left = 0 WHERE job = ?'
// Each of these is a range of one index: what it visits is what it returns.
export const LIST_KEPT = `
  SELECT t.queue, t.jobs, t.bytes, a.name AS action
  FROM kept_totals t JOIN queues q ON q.id = t.queue LEFT JOIN actions a ON a.id = q.action
  WHERE t.queue > ? ORDER BY t.queue LIMIT ?`
export const OLDEST_KEPT = `
  SELECT job, ended_at_ms AS endedAtMs, bytes FROM kept_files WHERE queue = ? ORDER BY ended_at_ms, job LIMIT ?`
export const LIST_LEFT = `
  SELECT p.job, j.attempt FROM job_prunes p INDEXED BY job_prunes_left JOIN jobs j ON j.id = p.job
  WHERE p.files_left = 1 ORDER BY p.job LIMIT ?`

interface EndedRow {
  readonly queue: number
  readonly state: number
  readonly ended_at_ms: number
  readonly bundle: Buffer | null
  readonly bytes: number
}

/** What became of the files of a job, as JobView shows it. */
export interface Fate {
  readonly pinned?: boolean
  readonly prunedAtMs?: number
}

/** Two rows by primary key. */
export function readFate({ sql }: Handle, job: JobId): Fate {
  const row = sql<{ pinned: number | null; pruned_at_ms: number | null }>(FIND_FATE).get(job, job)
  return present<Fate>({ pinned: row?.pinned ? true : null, prunedAtMs: row?.pruned_at_ms })
}

/** What the order in which files go is made of. */
type Ended = Pick<EndedRow, 'queue' | 'ended_at_ms' | 'bytes'>

/**
 * To be called when the job has ended; a pinned one is not among those that may go.
 * @param ended its `bytes` are those of the last attempt: what earlier ones left comes on top
 */
export function keepFiles({ sql }: Handle, job: JobId, ended: Ended): void {
  const { queue, ended_at_ms, bytes } = ended
  const row = sql<{ bytes: number }>(INSERT_KEPT).get(ended_at_ms, job, bytes, job, queue, job)
  if (row) sql(ADD_TOTALS).run(queue, 1, row.bytes)
}

/** To be called when an attempt is over and the job is not: its files stay as long as those of the job. */
export function keepEarlier({ sql }: Handle, job: JobId, bytes: number): void {
  if (bytes > 0) sql(ADD_EARLIER).run(job, bytes)
}

/** The bundle is needed by so many jobs more. */
export function useBundle({ sql }: Handle, bundle: Sha256, jobs: number): void {
  sql(ADD_USES).run(bytesOf(bundle), jobs)
}

export const unusedBundleRows = ({ sql }: Handle, bundles: readonly Sha256[]): readonly Sha256[] =>
  bundles.filter(bundle => sql(IS_USED).get(bytesOf(bundle)) === undefined)

/** @throws JankinsError E_JOB_NOT_FOUND, E_PRUNED */
export function putPinned(handle: Handle, job: JobId, pinned: boolean): { readonly changed: boolean } {
  const row = findEnded(handle, job)
  const { state } = row
  const { prunedAtMs } = readFate(handle, job)
  if (prunedAtMs !== undefined) throw new JankinsError('E_PRUNED', { job, prunedAtMs })
  const { changes } = handle.sql(pinned ? PIN : UNPIN).run(job)
  const hasEnded = state !== STATE_NUMBERS.PENDING && state !== STATE_NUMBERS.RUNNING
  if (changes > 0 && hasEnded) {
    if (pinned) dropKept(handle, job)
    else keepFiles(handle, job, row)
  }
  return { changed: changes > 0 }
}

/** @returns those of them that were kept and not pinned in the meantime */
export function pruneRows(handle: Handle, jobs: readonly JobId[], nowMs: number): readonly JobId[] {
  return jobs.filter(job => {
    if (!dropKept(handle, job)) return false
    handle.sql(PRUNE).run(job, nowMs)
    const { bundle } = findEnded(handle, job)
    if (bundle !== null) {
      handle.sql(ADD_USES).run(bundle, -1)
      handle.sql(DROP_USES).run(bundle)
    }
    return true
  })
}

export function noteRemovedRows({ sql }: Handle, jobs: readonly JobId[]): void {
  for (const job of jobs) sql(REMOVED).run(job)
}

export const listKeptRows = ({ sql }: Handle, after: QueueId, limit: number): readonly KeptQueue[] =>
  sql<{ queue: number; jobs: number; bytes: number; action: Name | null }>(LIST_KEPT)
    .all(after, limit)
    .map(row => present<KeptQueue>(row))

export const oldestKeptRows = ({ sql }: Handle, queue: QueueId, limit: number): readonly KeptJob[] =>
  sql<KeptJob>(OLDEST_KEPT).all(queue, limit)

export const unremovedRows = ({ sql }: Handle, limit: number): readonly { job: JobId; attempt: number }[] =>
  sql<{ job: JobId; attempt: number }>(LIST_LEFT).all(limit)

function dropKept(handle: Handle, job: JobId): boolean {
  const { queue, ended_at_ms } = findEnded(handle, job)
  const row = handle.sql<{ bytes: number }>(DELETE_KEPT).get(queue, ended_at_ms, job)
  if (row) handle.sql(ADD_TOTALS).run(queue, -1, -row.bytes)
  return row !== undefined
}

function findEnded({ sql }: Handle, job: JobId): EndedRow {
  const row = sql<EndedRow>(FIND_ENDED).get(job)
  if (!row) throw new JankinsError('E_JOB_NOT_FOUND', { job })
  return row
}
