import type { JobStateName } from '../../protocol/fields.js'
import type { Params } from '../../protocol/methods.js'
import { sleep } from '../base/clock.js'
import type { JobRunParts } from './job-run.js'
import { isCode, type LeaseHolder } from './link.js'
import type { Outcome } from './outcome.js'
import type { Shipper } from './shipper.js'

type Packed = NonNullable<Params<'job.finish'>['artifacts']>

/** A finish that the daemon refuses is not repeated for ever: something on its disk must be wrong. */
const REFUSED_MAX = 10
const REFUSED_PAUSE_MS = 500

/**
 * Packs the artifacts, ships what is left, and tells the server how the job ended, until it has answered.
 * @throws JankinsError E_LEASE_LOST when the job is another's by now
 */
export async function finishJob(
  parts: JobRunParts,
  holder: LeaseHolder,
  shipper: Shipper,
  outcome: Outcome,
): Promise<JobStateName> {
  const { link, clock } = parts
  const { job, lease } = holder
  const packed = await pack(parts, outcome)
  for (let refused = 0; ; ) {
    try {
      if (packed.artifacts) await shipper.shipArtifacts(packed.artifacts.bytes)
      const log = await shipper.shipEnd()
      const params: Params<'job.finish'> = { job, lease, ...packed.outcome, ...log }
      const all = packed.artifacts ? { ...params, artifacts: packed.artifacts } : params
      return (await link.insist('job.finish', all)).state
    } catch (error) {
      const isRefused = isCode(error, 'E_OFFSET') || isCode(error, 'E_CHECKSUM')
      if (!(isRefused || isDiskFull(error)) || ++refused > REFUSED_MAX) throw error
      parts.log.warn('a finish failed; sending again what is missing', { job, cause: (error as Error).message })
      if (refused > 1) await sleep(clock, REFUSED_PAUSE_MS * refused)
      shipper.startFrom(await link.insist('job.resume', { job, lease }))
    }
  }
}

/** Of this machine: the note of where the log is cut has no room. */
const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

async function pack({ files, log }: JobRunParts, outcome: Outcome): Promise<{ outcome: Outcome; artifacts?: Packed }> {
  const { grant } = files.record
  if (outcome.reason === 'not-started') return { outcome }
  try {
    const artifacts = await files.packArtifacts(grant.artifacts)
    return artifacts ? { outcome, artifacts } : { outcome }
  } catch (error) {
    await files.note(`the artifacts were not kept: ${(error as Error).message}`).catch(() => {}) // a full disk
    log.warn('artifacts were not kept', { job: grant.job, cause: (error as Error).message })
    // A job whose results are missing must not look like one that did well.
    return { outcome: outcome.exitCode === 0 ? { ...outcome, exitCode: 1 } : outcome }
  }
}
