import { JankinsError } from '../../protocol/errors.js'
import type { Stream } from '../../protocol/fields.js'
import type { JobId } from '../../protocol/ids.js'
import type { Result } from '../../protocol/methods.js'
import type { ResilientClient } from './resilient.js'

export interface LogRequest {
  readonly job: JobId
  /** The last one by default; with `follow` also every one that comes after it. */
  readonly attempt?: number | undefined
  readonly stream: Stream | 'all'
  /** Go on until the job has ended; else only what is there. */
  readonly follow: boolean
}

export interface LogPiece {
  readonly attempt: number
  readonly stream: Stream
  readonly data: Uint8Array
}

interface Asked {
  readonly offset: number
  readonly bytesMax: number
  readonly page: Promise<Result<'job.log'>>
}

const WAIT_MS = 30_000
/** Pages under way behind one that was full; what is behind a short one would begin at the wrong place. */
const AHEAD_COUNT = 2

/**
 * The log as it was written, piece by piece; at most AHEAD_COUNT + 1 pages of it are in memory.
 * @throws JankinsError E_BAD_REQUEST for an attempt that there is not yet: the daemon would show the last one
 */
export async function* readLog(client: ResilientClient, request: LogRequest): AsyncGenerator<LogPiece> {
  const { job, stream, follow } = request
  const waitMs = follow ? WAIT_MS : 0
  let { attempt } = request
  let ahead: Asked[] = []
  const ask = (offset: number): void => {
    const bytesMax = client.chunkBytesMax
    const params = { job, stream, offset, bytesMax, waitMs }
    const page = client.call('job.log', attempt === undefined ? params : { ...params, attempt }, { waitMs })
    page.catch(() => {}) // it may fail while the page before it is still being printed
    ahead.push({ offset, bytesMax, page })
  }
  for (ask(0); ; ) {
    const asked = ahead.shift() as Asked
    const page = await asked.page
    const isOver = page.ended || (!follow && page.chunks.length === 0)
    if (attempt !== undefined && page.attempt !== attempt)
      throw new JankinsError('E_BAD_REQUEST', { field: 'attempt', expected: `at most ${page.attempt}` })
    attempt = page.attempt
    const isFull = page.next === asked.offset + asked.bytesMax
    if (!isFull) ahead = []
    // One that waits for what is not written yet is not asked for ahead.
    const count = isFull && !follow ? AHEAD_COUNT : 1
    while (!isOver && ahead.length < count) ask(endOf(ahead.at(-1)) ?? page.next)
    for (const chunk of page.chunks) yield { attempt, ...chunk }
    if (!isOver) continue
    const later = follow && request.attempt === undefined ? await laterAttempt(client, job, attempt) : undefined
    if (later === undefined) return
    attempt = later
    ahead = []
    ask(0)
  }
}

const endOf = (asked: Asked | undefined): number | undefined => asked && asked.offset + asked.bytesMax

/** The attempt that follows one that has ended; undefined when the job has ended with it. */
async function laterAttempt(client: ResilientClient, job: JobId, attempt: number): Promise<number | undefined> {
  const view = (await client.call('job.wait', { job, waitMs: 0 })).job
  return view.attempt > attempt ? view.attempt : undefined
}
