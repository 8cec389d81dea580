import type { JobId } from '../../protocol/ids.js'

/** How long logs and artifacts of the jobs of one action stay; what is missing limits nothing. */
export interface RetentionLimits {
  /** Since the job ended, ms. */
  readonly ageMs?: number
  readonly jobsMax?: number
  /** Of logs and artifacts together. */
  readonly bytesMax?: number
}

/** A job that has ended and whose files are there. */
export interface KeptJob {
  readonly job: JobId
  readonly endedAtMs: number
  /** Of its log and artifacts. */
  readonly bytes: number
}

export interface KeptTotals {
  readonly jobs: number
  readonly bytes: number
}

/**
 * The jobs whose files are to go. The oldest go first and none is passed over, so each limit keeps the newest ones.
 * @param totals of all that is kept
 * @param oldest as many as are looked at, by endedAtMs
 */
export function dueJobs(
  limits: RetentionLimits,
  totals: KeptTotals,
  oldest: readonly KeptJob[],
  nowMs: number,
): readonly KeptJob[] {
  const { ageMs = Infinity, jobsMax = Infinity, bytesMax = Infinity } = limits
  let { jobs, bytes } = totals
  const stays = oldest.findIndex(kept => {
    const isDue = nowMs - kept.endedAtMs > ageMs || jobs > jobsMax || bytes > bytesMax
    jobs--
    bytes -= kept.bytes
    return !isDue
  })
  return stays < 0 ? oldest : oldest.slice(0, stays)
}
