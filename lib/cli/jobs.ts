import { randomUUID } from 'node:crypto'
import { JankinsError } from '../../protocol/errors.js'
import type { Stream } from '../../protocol/fields.js'
import type { JobId } from '../../protocol/ids.js'
import type { JobView } from '../../protocol/views.js'
import { systemClock } from '../base/clock.js'
import { readLog } from '../client/log.js'
import type { ResilientClient } from '../client/resilient.js'
import { type Context, OutputClosedError } from './command.js'
import { EXIT, sayFailure } from './failure.js'
import { watchInterruptibly } from './interrupt.js'
import { notice, printJson, printLine } from './print.js'
import { startWaiting } from './progress.js'
import { renderEnd, renderWait } from './render.js'

const WAIT_MS = 30_000
const SHOWN_WAIT_MS = 2_000
const STATUS_TIMEOUT = 124
const STATUS_CANCELLED = 130
const STATUS_KILLED = 137
/** As of a program that SIGPIPE ended. */
const STATUS_UNREAD = 141
const STATUS_NOT_STARTED = 126

/**
 * Fresh for every request that makes jobs: sent again after a lost reply, it finds the jobs that it made. It begins with
 * the time, so that new keys lie side by side in the daemon's index of them: a quarter of the cost of queueing a job.
 */
export const newRequestKey = (): string =>
  `${Math.round(systemClock.nowMs()).toString(16).padStart(12, '0')}-${randomUUID()}`

/**
 * Does it for each job, whatever becomes of the others: each refusal is a line on stderr.
 * @returns those for which it was done, and the exit status: 0, or that of the first refusal
 * @throws what is no refusal
 */
export async function forEachJob(
  context: Context,
  jobs: readonly JobId[],
  work: (job: JobId) => Promise<void>,
): Promise<{ readonly done: readonly JobId[]; readonly status: number }> {
  const done: JobId[] = []
  let status: number = EXIT.done
  for (const job of jobs)
    try {
      await work(job)
      done.push(job)
    } catch (error) {
      if (!(error instanceof JankinsError)) throw error
      const refused = await sayFailure(context.stderr, error)
      status ||= refused
    }
  return { done, status }
}

/** What a program that waited for a job exits with. */
export function exitStatusOf(job: JobView): number {
  if (job.state === 'TIMEOUT') return STATUS_TIMEOUT
  if (job.state === 'CANCELLED') return STATUS_CANCELLED
  if (job.exitCode !== undefined) return job.exitCode
  if (job.reason === 'killed') return STATUS_KILLED
  return job.reason === 'not-started' ? STATUS_NOT_STARTED : EXIT.failed
}

/** The exit status of a program that tells how jobs ended: when nobody reads it any more, it cannot be theirs. */
export async function statusOfJobs(watching: Promise<number>): Promise<number> {
  try {
    return await watching
  } catch (error) {
    if (error instanceof OutputClosedError) return STATUS_UNREAD
    throw error
  }
}

export const hasEnded = ({ state }: JobView): boolean => state !== 'PENDING' && state !== 'RUNNING'

/** Resolves with the job as it ended; meanwhile a terminal shows how it stands. */
export async function waitForEnd(context: Context, client: ResilientClient, job: JobId): Promise<JobView> {
  // Where somebody looks on, the state is asked for again before it has ended.
  const waitMs = context.stderr.isTerminal ? SHOWN_WAIT_MS : WAIT_MS
  let view: JobView | undefined
  const waiting = startWaiting(context, () => renderWait(job, view))
  try {
    for (;;) {
      view = (await client.call('job.wait', { job, waitMs }, { waitMs })).job
      if (hasEnded(view)) return view
    }
  } finally {
    waiting.end()
  }
}

export interface LogChoice {
  readonly stream: Stream | 'all'
  readonly attempt?: number | undefined
  readonly follow: boolean
  readonly json: boolean
  /** What to wait for before a piece is printed. */
  readonly unasked?: () => Promise<void> | undefined
}

/** Prints a log byte for byte: stdout to stdout, stderr to stderr; with `json` one object per piece, data in base64. */
export async function printLog(
  context: Context,
  client: ResilientClient,
  job: JobId,
  { stream, attempt, follow, json, unasked }: LogChoice,
): Promise<void> {
  for await (const piece of readLog(client, { job, attempt, stream, follow })) {
    await unasked?.()
    if (json) await printJson(context.stdout, { job, ...piece })
    else await context[piece.stream].write(piece.data)
  }
}

export interface Afterwards {
  readonly wait: boolean
  readonly follow: boolean
  readonly json: boolean
}

/**
 * What happens after jobs were queued: waits for them, or prints their logs one job after the other.
 * @returns 0, or the exit status of the first job that did not end with 0; 130 when Ctrl-C left them, 141 when nobody
 *   reads the output any more
 */
export async function seeThrough(
  context: Context,
  client: ResilientClient,
  jobs: readonly JobId[],
  { wait, follow, json }: Afterwards,
): Promise<number> {
  if (!wait && !follow) return EXIT.done
  const watching = watchInterruptibly(context, client, jobs, async unasked => {
    let status: number = EXIT.done
    for (const job of jobs) {
      if (follow) await printLog(context, client, job, { stream: 'all', follow: true, json, unasked })
      const ended = await waitForEnd(context, client, job)
      if (json) await printJson(context.stdout, ended)
      else await notice(context, renderEnd(ended))
      status ||= exitStatusOf(ended)
    }
    return status
  })
  return await statusOfJobs(watching)
}

/** Ids alone, so that a script can take them as they are. */
export async function printJobIds(context: Context, jobs: readonly JobId[], json: boolean): Promise<void> {
  for (const job of jobs)
    if (json) await printJson(context.stdout, { job })
    else await printLine(context.stdout, String(job))
}
