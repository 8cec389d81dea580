import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { JankinsError } from '../../protocol/errors.js'
import { type Part, STREAMS, type Stream } from '../../protocol/fields.js'
import { LIMITS } from '../../protocol/limits.js'
import { assert } from '../base/assert.js'
import type { Log } from '../base/log.js'
import type { Client } from '../client/connection.js'
import { DurableMarks } from './durable-marks.js'
import { isCode, type LeaseHolder, type Link } from './link.js'
import { type EndPlan, headBytesMax, locate, planEnd, type StreamPlan } from './log-limit.js'
import type { AttemptFiles, FreedMarks, Pack } from './ports.js'
import { type Supply, shipRun } from './ship-run.js'

/** Chunks of one part that are under way at once: enough for a line of 5 ms at 500 MB/s. */
const WINDOW = 3
/** Room for everything in the request but the bytes. */
const ENVELOPE_BYTES = 1_024
const SMALL_BYTES = LIMITS.smallLogBytesMax.value
const NOTHING = Buffer.alloc(0)
/** Runs without a step forward, one after the other, before something must be wrong. */
const IDLE_TRIES_MAX = 20

interface StreamState {
  /** The daemon has this much: only its answers move it, in both directions. */
  length: number
  /** CRC-32 of the virtual stream up to crcOffset. */
  crc: number
  crcOffset: number
  marks: DurableMarks
}

export interface Finished {
  readonly stdout: { readonly bytes: number; readonly crc32: number; readonly tail?: Uint8Array }
  readonly stderr: { readonly bytes: number; readonly crc32: number; readonly tail?: Uint8Array }
}

/**
 * Ships the log and the artifacts of one attempt as growing files at offsets. What breaks off is sent again from the
 * length that the daemon answers with: nothing is doubled, and a hole cannot exist.
 */
export class Shipper {
  readonly #files: AttemptFiles
  readonly #link: Link
  readonly #holder: LeaseHolder
  readonly #log: Log
  readonly #streams: { readonly [S in Stream]: StreamState }
  #artifactsLength = 0
  #plan: EndPlan | undefined
  /** An earlier process, or an earlier try, may have decided the end. */
  #isTakenOver: boolean = false

  constructor(files: AttemptFiles, link: Link, holder: LeaseHolder, log: Log) {
    this.#log = log
    this.#files = files
    this.#link = link
    this.#holder = holder
    this.#streams = { stdout: newStream(files.freeStepBytes), stderr: newStream(files.freeStepBytes) }
  }

  /** What an earlier process has freed of an attempt that is adopted: the checksum goes on behind it. */
  continueBehind(freed: FreedMarks): void {
    for (const stream of STREAMS) {
      const { bytes = 0, crc32: crc = 0 } = freed[stream] ?? {}
      const marks = new DurableMarks(this.#files.freeStepBytes, bytes)
      Object.assign(this.#streams[stream], { crc, crcOffset: bytes, marks })
    }
  }

  /** What the daemon has of an attempt that is adopted, or whose finish it refused. */
  startFrom(lengths: {
    readonly stdoutBytes: number
    readonly stderrBytes: number
    readonly artifactsBytes: number
  }): void {
    this.#isTakenOver = true
    startStream(this.#streams.stdout, lengths.stdoutBytes)
    startStream(this.#streams.stderr, lengths.stderrBytes)
    this.#artifactsLength = lengths.artifactsBytes
    for (const stream of STREAMS) {
      const { marks, length } = this.#streams[stream]
      // No power loss takes these: the daemon's disk is damaged, or they were damaged on their way.
      if (length < marks.freedBytes)
        this.#log.error('bytes of a log are lost', { job: this.#holder.job, stream, bytes: marks.freedBytes - length })
    }
  }

  /**
   * Ships what has been written since the last time, while the job runs. Once `ended` fires it insists no longer: what
   * a full disk refuses now may ride in job.finish, for which the daemon keeps room.
   * @returns bytes written so far, shipped or not, and whether there was anything new
   */
  async shipGrowth(ended?: AbortSignal): Promise<{ readonly writtenBytes: number; readonly grew: boolean }> {
    const { logLimitBytes, onLogLimit } = this.#files.record.grant
    const stdout = await this.#files.streamBytes('stdout')
    const stderr = await this.#files.streamBytes('stderr')
    const limit = headBytesMax(logLimitBytes, onLogLimit)
    const { stdout: out, stderr: err } = this.#streams
    const outEnd = Math.min(stdout, Math.max(out.length, limit - shippedOf(err)))
    const before = out.length + err.length
    await this.#shipStream('stdout', { bytes: outEnd }, ended)
    await this.#shipStream('stderr', { bytes: Math.min(stderr, Math.max(err.length, limit - shippedOf(out))) }, ended)
    const grew = out.length + err.length > before
    for (const stream of STREAMS) {
      if (!grew) await this.#askDurable(stream, ended)
      const mark = this.#streams[stream].marks.take()
      if (mark) await this.#files.free(stream, mark)
    }
    return { writtenBytes: stdout + stderr, grew }
  }

  /** Ships the rest of a log that has ended, but for what may ride in job.finish. */
  async shipEnd(): Promise<Finished> {
    this.#plan ??= (this.#isTakenOver ? await this.#files.readPlan() : undefined) ?? (await this.#makePlan())
    return {
      stdout: await this.#end('stdout', this.#plan.stdout),
      stderr: await this.#end('stderr', this.#plan.stderr),
    }
  }

  /** Ships an archive while it is made. @throws PackError */
  async shipArtifacts(pack: Pack): Promise<NonNullable<Pack['made']>> {
    const supply: Supply = {
      get end() {
        return pack.made?.bytes ?? Number.POSITIVE_INFINITY
      },
      read: (offset, bytesMax, into) => pack.read(offset, into.subarray(0, bytesMax)),
    }
    this.#artifactsLength = await this.#ship('artifacts', supply, this.#artifactsLength)
    assert(pack.made, 'what was shipped was made')
    return pack.made
  }

  async #makePlan(): Promise<EndPlan> {
    const { logLimitBytes, onLogLimit } = this.#files.record.grant
    const { stdout, stderr } = this.#streams
    const plan = planEnd(
      logLimitBytes,
      onLogLimit,
      { stdout: shippedOf(stdout), stderr: shippedOf(stderr) },
      { stdout: await this.#files.streamBytes('stdout'), stderr: await this.#files.streamBytes('stderr') },
    )
    // Without a note on a full disk another worker process may cut elsewhere: its checksum then makes it ship all anew.
    if (plan.stdout.cut || plan.stderr.cut) await this.#files.writePlan(plan).catch(() => {})
    return plan
  }

  async #end(stream: Stream, plan: StreamPlan): Promise<Finished['stdout']> {
    const state = this.#streams[stream]
    if (plan.bytes - state.length > SMALL_BYTES) await this.#shipStream(stream, plan)
    const tail = plan.bytes > state.length ? await this.#readAll(stream, plan, state.length) : undefined
    // An adopted attempt was shipped in part by another process: its checksum is made up for from the file.
    while (state.crcOffset < plan.bytes) await this.#read(stream, plan, state.crcOffset, LIMITS.chunkBytesMax.value)
    return { bytes: plan.bytes, crc32: state.crc, ...(tail && { tail }) }
  }

  /** The daemon syncs beside the appends: what became durable after the last one is in no answer yet. */
  async #askDurable(stream: Stream, enough?: AbortSignal): Promise<void> {
    const state = this.#streams[stream]
    if (state.marks.undurableBytes(state.length) < LIMITS.undurableBytesMax.value) return
    const asked = await this.#append(stream, state.length, NOTHING, () => this.#link.ready(), enough)
    state.length = asked.length
  }

  async #shipStream(stream: Stream, plan: StreamPlan, enough?: AbortSignal): Promise<void> {
    const state = this.#streams[stream]
    if (plan.bytes <= state.length) return
    const read: Supply['read'] = (offset, bytesMax, into) => this.#read(stream, plan, offset, bytesMax, into)
    state.length = await this.#ship(stream, { end: plan.bytes, read }, state.length, enough)
  }

  /** Sends what there is from `from` on with several chunks under way; returns the daemon's length, then the end. */
  async #ship(part: Part, supply: Supply, from: number, enough?: AbortSignal): Promise<number> {
    const isBulk = part === 'artifacts' || supply.end - from > SMALL_BYTES
    const channel = isBulk ? () => this.#link.bulk(this.#holder) : () => this.#link.ready()
    const { frameBytesMax, chunkBytesMax } = await this.#link.ready()
    const chunkBytes = Math.min(chunkBytesMax, frameBytesMax - ENVELOPE_BYTES)
    let stored = from
    for (let idle = 0; stored < supply.end; ) {
      const length = await shipRun(stored, supply, chunkBytes, isBulk ? WINDOW : 1, (offset, data) =>
        this.#append(part, offset, data, channel, enough),
      )
      idle = length > stored ? 0 : idle + 1
      if (idle > IDLE_TRIES_MAX) throw new JankinsError('E_OFFSET', { job: this.#holder.job, length })
      stored = length
    }
    return stored
  }

  async #append(
    part: Part,
    offset: number,
    data: Buffer,
    channel: () => Promise<Client>,
    enough: AbortSignal | undefined,
  ): Promise<{ length: number; moved: boolean }> {
    const { job, lease } = this.#holder
    try {
      const params = { job, lease, part, offset, data }
      const { length, durableLength } = await this.#link.insist('job.append', params, channel, enough)
      if (part !== 'artifacts') this.#streams[part].marks.durable(durableLength)
      return { length, moved: false }
    } catch (error) {
      // Not where the daemon's bytes end: after an unclean restart it has less than it had answered.
      if (!isCode(error, 'E_OFFSET')) throw error
      return { length: Number((error as JankinsError).detail.length), moved: true }
    }
  }

  async #readAll(stream: Stream, plan: StreamPlan, from: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let offset = from; offset < plan.bytes; ) {
      const piece = await this.#read(stream, plan, offset, plan.bytes - offset)
      pieces.push(piece)
      offset += piece.length
    }
    return Buffer.concat(pieces)
  }

  /** Bytes of the virtual stream, exactly as many as asked for unless the mark or the end of the head comes first. */
  async #read(stream: Stream, plan: StreamPlan, offset: number, bytesMax: number, into?: Buffer): Promise<Buffer> {
    const place = locate(plan, offset, bytesMax)
    const data =
      place.kind === 'mark' ? place.data : await this.#files.readStream(stream, place.offset, place.bytes, into)
    if (data.length === 0) throw new Error(`${stream} of job ${this.#holder.job} has lost its bytes at ${offset}`)
    const state = this.#streams[stream]
    const skip = state.crcOffset - offset
    if (skip >= 0 && skip < data.length) {
      state.crc = crc32(data.subarray(skip), state.crc)
      state.crcOffset = offset + data.length
      if (!plan.cut) state.marks.passed({ bytes: state.crcOffset, crc32: state.crc })
    }
    return data
  }
}

const newStream = (stepBytes: number): StreamState => ({
  ...{ length: 0, crc: 0, crcOffset: 0 },
  marks: new DurableMarks(stepBytes),
})

function startStream(state: StreamState, length: number): void {
  state.length = length
  // A stream that is sent anew from its begin is told by what is sent: the job may have cut the file since.
  if (length === 0) Object.assign(state, { crc: 0, crcOffset: 0 })
}

/** What has been read for shipping belongs to the head, whether or not its answer came. */
const shippedOf = (state: StreamState): number => Math.max(state.length, state.crcOffset)
