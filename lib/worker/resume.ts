import type { Result } from '../../protocol/methods.js'
import { isCode, type Link } from './link.js'
import type { AttemptFiles } from './ports.js'

/**
 * Resumes the lease of an earlier worker process, with the secrets of its job. Those that were set since the job began
 * are none of its own: where they cannot be handed over it goes on without them.
 * @throws JankinsError E_NOT_PRIVATE when the job has secrets, as nobody could mask them; and what Link.insist throws
 */
export async function resumeAdopted(link: Link, files: AttemptFiles): Promise<Result<'job.resume'>> {
  const { job, lease } = files.record.grant
  try {
    return await link.insist('job.resume', { job, lease, secrets: true })
  } catch (error) {
    if (!isCode(error, 'E_NOT_PRIVATE') || (await files.isMasked())) throw error
    return await link.insist('job.resume', { job, lease })
  }
}
