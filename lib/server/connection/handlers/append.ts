import { JankinsError } from '../../../../protocol/errors.js'
import type { Part, Stream } from '../../../../protocol/fields.js'
import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { PartLength } from '../../../blobs/blobs.js'
import type { Call } from '../call.js'
import { type Held, heldLease, inTurn } from '../held.js'
import { checkRoom } from '../room.js'

/** Above the action's log limit: room for the mark that the worker puts where it cut. */
export const LOG_MARK_BYTES_MAX = 64 * 1024

export async function appendToJob(params: Params<'job.append'>, call: Call): Promise<Result<'job.append'>> {
  const { job, lease } = params
  return await inTurn(call, heldLease(call, job, lease), async () => {
    const held = heldLease(call, job, lease)
    await checkLimit(params, held, call)
    checkRoom(call, params.data.length)
    return await store(params, held, call)
  })
}

const NOTHING = new Uint8Array()

type Lengths = { readonly [P in Part]: number }

/** @throws JankinsError E_LOG_LIMIT, E_BAD_REQUEST */
async function checkLimit(params: Params<'job.append'>, held: Held, call: Call): Promise<void> {
  const endBytes = params.offset + params.data.length
  if (params.part === 'artifacts') {
    if (endBytes <= LIMITS.artifactBytesMax.value) return
    throw new JankinsError('E_BAD_REQUEST', { field: 'data', expected: `to end at ${LIMITS.artifactBytesMax.value}` })
  }
  const lengths = await knownLengths(held, call)
  const otherBytes = params.part === 'stdout' ? lengths.stderr : lengths.stdout
  const limitBytes = held.logLimitBytes + LOG_MARK_BYTES_MAX
  if (otherBytes + Math.max(endBytes, lengths[params.part]) > limitBytes)
    throw new JankinsError('E_LOG_LIMIT', { job: params.job, limitBytes: held.logLimitBytes })
}

/** What this session saw last, unless another connection has added to the log since. */
async function knownLengths(held: Held, call: Call): Promise<Lengths> {
  const { leaseSlots, blobs } = call.services
  if (held.lengths && leaseSlots.logIs(held.slot, logBytes(held.lengths))) return held.lengths
  const lengths = await blobs.lengths({ job: held.job, attempt: held.attempt })
  held.lengths = lengths
  // A file may be shorter than the record says: of a backup, or cut right before the daemon was killed.
  const { stdout, stderr } = leaseSlots.durable(held.slot)
  const durable = { stdout: Math.min(stdout, lengths.stdout), stderr: Math.min(stderr, lengths.stderr) }
  leaseSlots.noteDurable(held.slot, durable)
  return lengths
}

async function store(params: Params<'job.append'>, held: Held, call: Call): Promise<PartLength> {
  const { blobs, leaseSlots } = call.services
  const { part, offset, data, job } = params
  const key = { job, attempt: held.attempt }
  if (part === 'artifacts') {
    leaseSlots.noteArtifacts(held.slot)
    return blobs.append(key, part, offset, data)
  }
  const durableBytes = leaseSlots.durable(held.slot)[part]
  const stored = await blobs.append(key, part, offset, data, durableBytes).catch(async error => {
    await noteLog(held, call, undefined)
    throw error
  })
  await noteLog(held, call, held.lengths && { ...held.lengths, [part]: stored.length })
  if (stored.durableLength !== held.durable[part]) await noteDurable(held, call)
  // A worker frees what it is told here: never more than what a start after a power loss leaves.
  return { ...stored, durableLength: Math.min(stored.durableLength, held.noted[part]) }
}

/**
 * Notes how long the log is and wakes who follows it. In turn only, and after each write, also one that failed: a
 * follower that found another length than the noted one would ask again and again.
 * @param lengths asked for when they are not known
 */
export async function noteLog(held: Held, call: Call, lengths: Lengths | undefined): Promise<void> {
  const { blobs, leaseSlots, writer, log } = call.services
  const { job, attempt } = held
  held.lengths = lengths ?? (await blobs.lengths({ job, attempt }))
  if (!leaseSlots.noteLog(held.slot, logBytes(held.lengths))) return
  writer.logGrew(job).catch(error => log.error('followers were not woken', { job }, error))
}

/** Tells the store what a power loss can no longer take, so that a restart cuts no more than that. In turn only. */
export async function noteDurable(held: Held, call: Call): Promise<void> {
  const { blobs, leaseSlots, writer, log } = call.services
  const { job, attempt, slot } = held
  const known = leaseSlots.durable(slot)
  // Nothing is added by no bytes: this asks for the durable length, also of the stream that this session never wrote.
  const ask = async (stream: Stream): Promise<number> =>
    (await blobs.append({ job, attempt }, stream, 0, NOTHING, known[stream])).durableLength
  const durable = { stdout: await ask('stdout'), stderr: await ask('stderr') }
  held.durable = durable
  leaseSlots.noteDurable(slot, durable)
  writer.noteDurableLengths(job, attempt).then(
    () => {
      held.noted = durable
    },
    error => log.error('durable lengths were not noted', { job }, error),
  )
}

const logBytes = (lengths: Lengths): number => lengths.stdout + lengths.stderr
