import type { Params } from '../../protocol/methods.js'
import { sleep } from '../base/clock.js'
import type { JobRunParts } from './job-run.js'
import { isCode, type LeaseHolder } from './link.js'
import type { JobEnd, Outcome } from './outcome.js'
import { type Pack, PackError } from './ports.js'
import type { Shipper } from './shipper.js'

/** A finish that the daemon refuses is not repeated for ever: something on its disk must be wrong. */
const REFUSED_MAX = 10
const REFUSED_PAUSE_MS = 500

/**
 * Ships the artifacts while they are packed, and what is left of the log, and tells the server how the job ended, until it
 * has answered.
 * @returns how the job ended there: not as `outcome` has it when its artifacts could not be kept
 * @throws JankinsError E_LEASE_LOST when the job is another's by now
 */
export async function finishJob(
  parts: JobRunParts,
  holder: LeaseHolder,
  shipper: Shipper,
  outcome: Outcome,
): Promise<JobEnd> {
  const { files } = parts
  let pack: Pack | undefined
  try {
    if (outcome.reason !== 'not-started') pack = await files.packArtifacts(files.record.grant.artifacts)
    return await insistOnFinish(parts, holder, shipper, outcome, pack)
  } catch (error) {
    if (!(error instanceof PackError)) throw error
    await files.note(`the artifacts were not kept: ${error.message}`).catch(() => {}) // a full disk
    parts.log.warn('artifacts were not kept', { job: holder.job, cause: error.message })
    // A job whose results are missing must not look like one that did well.
    const failed = outcome.exitCode === 0 ? { ...outcome, exitCode: 1 } : outcome
    return await insistOnFinish(parts, holder, shipper, failed, undefined)
  } finally {
    pack?.close()
  }
}

async function insistOnFinish(
  parts: JobRunParts,
  holder: LeaseHolder,
  shipper: Shipper,
  outcome: Outcome,
  pack: Pack | undefined,
): Promise<JobEnd> {
  const { link, clock } = parts
  const { job, lease } = holder
  for (let refused = 0; ; ) {
    try {
      const artifacts = pack && (await shipper.shipArtifacts(pack))
      const log = await shipper.shipEnd()
      const params: Params<'job.finish'> = { job, lease, ...outcome, ...log }
      const finished = link.insist('job.finish', artifacts ? { ...params, artifacts } : params)
      parts.onFinishing()
      return { job, state: (await finished).state, ...outcome }
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
