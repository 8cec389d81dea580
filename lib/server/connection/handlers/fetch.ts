import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { checkKept } from './log.js'

export async function readArtifacts(params: Params<'artifact.read'>, call: Call): Promise<Result<'artifact.read'>> {
  const { store, blobs } = call.services
  const job = await store.readJob(params.job)
  if (!job) throw new JankinsError('E_JOB_NOT_FOUND', { job: params.job })
  if (job.state.kind === 'PENDING' || job.state.kind === 'RUNNING')
    throw new JankinsError('E_JOB_NOT_FINISHED', { job: params.job })
  const { artifactBytes, artifactSha256 } = job.state.end
  if (artifactSha256 === undefined) throw new JankinsError('E_NO_ARTIFACTS', { job: params.job })
  const offset = Math.min(params.offset, artifactBytes)
  const bytesMax = Math.min(params.bytesMax, artifactBytes - offset)
  await call.reserve(bytesMax)
  const key = { job: params.job, attempt: job.attempt }
  const data =
    bytesMax > 0 ? await blobs.readArtifacts(key, offset, bytesMax, call.memory.take(bytesMax)) : new Uint8Array()
  // Looked at after the bytes: files go only when the row has long said so.
  await checkKept(params.job, call)
  return { data, totalBytes: artifactBytes, sha256: artifactSha256 }
}
