import { JankinsError } from '../../../../protocol/errors.js'
import type { JobStateName } from '../../../../protocol/fields.js'
import type { JobId } from '../../../../protocol/ids.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import { sleep } from '../../../base/clock.js'
import type { LogChunk } from '../../../blobs/blobs.js'
import { isFinished } from '../../../domain/job.js'
import { type Call, park } from '../call.js'

/** As many as the schema of the result allows: a log that changes streams with every line makes short pages. */
const CHUNKS_MAX = 1_024

/** How soon a wait that was for nothing may be followed by the next one, ms. */
const RECHECK_MS = 100

/** What there is to read just now. */
interface Extent {
  /** The one asked for, or the last one when that has not begun yet. */
  readonly attempt: number
  readonly state: JobStateName
  /** The attempt has ended: no byte will follow. */
  readonly over: boolean
  /** Bytes of the stream asked for, or of both. */
  readonly bytes: number
  /** Bytes of both streams. */
  readonly seenBytes: number
}

export async function readJobLog(params: Params<'job.log'>, call: Call): Promise<Result<'job.log'>> {
  const { clock, writer } = call.services
  const untilMs = clock.monotonicMs() + (params.waitMs ?? 0)
  let before: Extent | undefined
  let parkedAtMs = 0
  for (;;) {
    const extent = await measure(params, call)
    const leftMs = Math.ceil(untilMs - clock.monotonicMs())
    const nothingNew = params.offset >= extent.bytes && !extent.over
    if (!nothingNew || leftMs <= 0 || call.cancellation.reason !== undefined) return await read(params, extent, call)
    // Where a thread died between storing bytes and noting them, the writer takes each wait for a late one.
    if (before && isSame(before, extent) && clock.monotonicMs() - parkedAtMs < RECHECK_MS)
      await park(call, () => sleep(clock, Math.min(RECHECK_MS, leftMs)))
    before = extent
    parkedAtMs = clock.monotonicMs()
    await park(call, wait => writer.waitForLog(call.session.connection, params.job, extent.seenBytes, leftMs, wait))
  }
}

const isSame = (a: Extent, b: Extent): boolean =>
  a.attempt === b.attempt && a.state === b.state && a.seenBytes === b.seenBytes

/** The state is read before the lengths: what is over by then has its last byte by now. */
async function measure(params: Params<'job.log'>, call: Call): Promise<Extent> {
  const { store, blobs } = call.services
  const job = await store.readJob(params.job)
  if (!job) throw new JankinsError('E_JOB_NOT_FOUND', { job: params.job })
  const attempt = Math.min(params.attempt ?? job.attempt, job.attempt)
  const over = isFinished(job.state.kind) || job.attempt > attempt
  const lengths = await blobs.lengths({ job: params.job, attempt })
  const seenBytes = lengths.stdout + lengths.stderr
  return {
    attempt,
    state: job.state.kind,
    over,
    bytes: params.stream === 'all' ? seenBytes : lengths[params.stream],
    seenBytes,
  }
}

/** @throws JankinsError E_PRUNED */
export async function checkKept(job: JobId, call: Call): Promise<void> {
  const prunedAtMs = await call.services.store.readPrunedAtMs(job)
  if (prunedAtMs !== undefined) throw new JankinsError('E_PRUNED', { job, prunedAtMs })
}

async function read(params: Params<'job.log'>, extent: Extent, call: Call): Promise<Result<'job.log'>> {
  const { attempt, over } = extent
  // Who has seen more than a power loss left of it goes on where it was: sent back, it would be shown bytes twice.
  const offset = over ? Math.min(params.offset, extent.bytes) : params.offset
  const bytesMax = Math.min(params.bytesMax, extent.bytes - offset)
  const chunks = bytesMax > 0 ? await readChunks(params.job, attempt, params.stream, offset, bytesMax, call) : []
  // Looked at after the bytes: files go only when the row has long said so.
  if (over) await checkKept(params.job, call)
  const next = chunks.reduce((sum, chunk) => sum + chunk.data.length, offset)
  // Bytes that a power loss took are not there however often they are asked for.
  const atEnd = next >= extent.bytes || (bytesMax > 0 && chunks.length === 0)
  return { attempt, chunks, next, ended: over && atEnd }
}

async function readChunks(
  job: JobId,
  attempt: number,
  stream: Params<'job.log'>['stream'],
  offset: number,
  bytesMax: number,
  call: Call,
): Promise<readonly LogChunk[]> {
  await call.reserve(bytesMax)
  const into = call.memory.take(bytesMax)
  const { chunks } = await call.services.blobs.readLog({ job, attempt }, stream, offset, bytesMax, into)
  return chunks.slice(0, CHUNKS_MAX)
}
