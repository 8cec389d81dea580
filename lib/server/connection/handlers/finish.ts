import { JankinsError } from '../../../../protocol/errors.js'
import { STREAMS, usageOf } from '../../../../protocol/fields.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import { type End, nextJob } from '../../../domain/job.js'
import type { Call } from '../call.js'
import { type Held, inTurn } from '../held.js'
import { inReserve } from '../room.js'
import { LOG_MARK_BYTES_MAX, noteDurable, noteLog } from './append.js'

export async function finishJob(params: Params<'job.finish'>, call: Call): Promise<Result<'job.finish'>> {
  const held = call.session.leases.get(params.lease)
  if (held?.job !== params.job || !isLive(held, call)) return await answerAgain(params, call)
  checkStreams(params, held)
  return await inTurn(call, held, async () => {
    if (!isLive(held, call)) return await answerAgain(params, call)
    if (!leftNothing(params, held, call)) await inReserve(call, () => seal(params, held, call))
    const end = endOf(params, call)
    const ended = await inReserve(call, () => call.services.writer.finish(params.job, params.lease, end, params.pid))
    call.session.leases.delete(params.lease)
    return ended
  })
}

const isLive = (held: Held, call: Call): boolean => call.services.leaseSlots.isLive(held.slot)

/** @throws JankinsError E_BAD_REQUEST */
function checkStreams(params: Params<'job.finish'>, held: Held): void {
  for (const stream of STREAMS)
    if ((params[stream].tail?.length ?? 0) > params[stream].bytes)
      throw new JankinsError('E_BAD_REQUEST', { field: `${stream}.tail`, expected: 'no longer than the stream' })
  // A tail may add to what job.append let through, and nothing else may.
  if (params.stdout.bytes + params.stderr.bytes > held.logLimitBytes + 2 * LOG_MARK_BYTES_MAX)
    throw new JankinsError('E_BAD_REQUEST', { field: 'stdout.bytes', expected: 'within the log limit of the action' })
}

/** A job that printed nothing and left nothing: there is no file to look at, none to make durable, none to remove. */
const leftNothing = ({ stdout, stderr, artifacts }: Params<'job.finish'>, held: Held, call: Call): boolean =>
  [stdout, stderr].every(({ bytes, crc32 }) => bytes === 0 && crc32 === 0) &&
  artifacts === undefined &&
  held.isNew === true &&
  call.services.leaseSlots.logIs(held.slot, 0) &&
  !call.services.leaseSlots.hasArtifacts(held.slot)

/** Everything that the job left is durable when this resolves. */
async function seal(params: Params<'job.finish'>, held: Held, call: Call): Promise<void> {
  const { blobs, leaseSlots } = call.services
  const key = { job: params.job, attempt: held.attempt }
  const durable = leaseSlots.durable(held.slot)
  try {
    for (const stream of STREAMS) {
      const { bytes, tail } = params[stream]
      if (tail && tail.length > 0) await blobs.append(key, stream, bytes - tail.length, tail, durable[stream])
    }
    if (params.stdout.tail || params.stderr.tail) await noteLog(held, call, undefined)
    await blobs.sealLog(key, {
      stdout: { ...params.stdout, durableBytes: durable.stdout },
      stderr: { ...params.stderr, durableBytes: durable.stderr },
    })
  } catch (error) {
    // A stream with a wrong checksum was cut to 0.
    await noteLog(held, call, undefined)
    if (error instanceof JankinsError && error.code === 'E_CHECKSUM') await noteDurable(held, call)
    throw error
  }
  if (params.artifacts) await blobs.sealArtifacts(key, params.artifacts.bytes, params.artifacts.sha256)
  else await blobs.dropArtifacts(key)
}

const endOf = (params: Params<'job.finish'>, call: Call): End => ({
  endedAtMs: call.services.clock.nowMs(),
  ...(params.exitCode !== undefined && { exitCode: params.exitCode }),
  ...(params.signal !== undefined && { signal: params.signal }),
  ...(params.reason !== undefined && { reason: params.reason }),
  logBytes: params.stdout.bytes + params.stderr.bytes,
  artifactBytes: params.artifacts?.bytes ?? 0,
  ...(params.artifacts && { artifactSha256: params.artifacts.sha256 }),
  ...(params.treeLayer !== undefined && { treeLayer: params.treeLayer }),
  ...usageOf(params),
})

/**
 * The reply to an earlier finish was lost: the same answer again, from what is stored. A lease that is still live
 * belongs to another connection: the worker resumes it here first.
 */
async function answerAgain(params: Params<'job.finish'>, call: Call): Promise<Result<'job.finish'>> {
  call.session.leases.delete(params.lease)
  const job = await call.services.store.readJob(params.job)
  const event = { kind: 'finished', lease: params.lease, end: endOf(params, call) } as const
  if (!job || nextJob(job, event) !== job) throw new JankinsError('E_LEASE_LOST', { job: params.job })
  return { state: job.state.kind }
}
