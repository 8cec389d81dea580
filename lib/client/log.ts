import type { Stream } from '../../protocol/fields.js'
import type { JobId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
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

const WAIT_MS = 30_000

/** The log as it was written, piece by piece; at most two pages of it are in memory. */
export async function* readLog(client: ResilientClient, request: LogRequest): AsyncGenerator<LogPiece> {
  const { job, stream, follow } = request
  let { attempt } = request
  let offset = 0
  const read = (): Promise<Result<'job.log'>> => {
    const waitMs = follow ? WAIT_MS : 0
    const params = { job, stream, offset, bytesMax: LIMITS.chunkBytesMax.value, waitMs }
    const page = client.call('job.log', attempt === undefined ? params : { ...params, attempt }, { waitMs })
    page.catch(() => {}) // it may fail while the page before it is still being printed
    return page
  }
  for (let next = read(); ; ) {
    const page = await next
    const isOver = page.ended || (!follow && page.chunks.length === 0)
    attempt = page.attempt
    offset = page.next
    if (!isOver) next = read()
    for (const chunk of page.chunks) yield { attempt, ...chunk }
    if (!isOver) continue
    const later = follow && request.attempt === undefined ? await laterAttempt(client, job, attempt) : undefined
    if (later === undefined) return
    attempt = later
    offset = 0
    next = read()
  }
}

/** The attempt that follows one that has ended; undefined when the job has ended with it. */
async function laterAttempt(client: ResilientClient, job: JobId, attempt: number): Promise<number | undefined> {
  const view = (await client.call('job.wait', { job, waitMs: 0 })).job
  return view.attempt > attempt ? view.attempt : undefined
}
