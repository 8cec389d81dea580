import { JankinsError } from '../../protocol/errors.js'
import type { JobId } from '../../protocol/ids.js'
import type { ResilientClient } from '../client/resilient.js'
import type { Context } from './command.js'
import { notice } from './print.js'

/** Of a program that Ctrl-C ended, as a shell would tell it. */
export const STATUS_LEFT = 130

/**
 * What `work` resolves with; undefined when Ctrl-C came and `leave` made it fail.
 * @throws what `work` throws otherwise
 */
export async function unlessInterrupted<T>(
  { terminal }: Context,
  work: Promise<T>,
  leave: () => void,
): Promise<T | undefined> {
  let isLeft: boolean = false
  const forget = terminal.onInterrupt(() => {
    isLeft = true
    leave()
  })
  try {
    return await work
  } catch (error) {
    if (isLeft) return undefined
    throw error
  } finally {
    forget()
  }
}

/**
 * Watches jobs while Ctrl-C asks whether to stop them or only to stop watching; once more, it stops watching at once.
 * Without a terminal Ctrl-C ends the program, as it does everywhere.
 * @param watch gets what to wait for before it prints: nothing is printed into an open question
 * @returns what `watch` does, or 130 when the person left
 */
export async function watchInterruptibly(
  context: Context,
  client: ResilientClient,
  jobs: readonly JobId[],
  watch: (unasked: () => Promise<void> | undefined) => Promise<number>,
): Promise<number> {
  if (!context.terminal.isInteractive) return await watch(() => undefined)
  let asking: Promise<void> | undefined
  let leave: (status: number) => void = () => {}
  const left = new Promise<number>(resolve => {
    leave = resolve
  })
  const over = new AbortController()
  const onInterrupt = (): void => {
    if (asking !== undefined) {
      leave(STATUS_LEFT)
      return
    }
    asking = ask(context, client, jobs, over.signal).then(answer => {
      asking = undefined
      if (answer === 'leave') leave(STATUS_LEFT)
    })
  }
  const forget = context.terminal.onInterrupt(onInterrupt)
  try {
    const status = await Promise.race([watch(() => asking), left.then(() => undefined)])
    if (status !== undefined) return status
    await notice(
      context,
      `${nameOf(jobs)} ${jobs.length === 1 ? 'goes' : 'go'} on; see jankins log ${jobs[0]} --follow`,
    )
    return STATUS_LEFT
  } finally {
    forget()
    over.abort()
  }
}

async function ask(
  context: Context,
  client: ResilientClient,
  jobs: readonly JobId[],
  signal: AbortSignal,
): Promise<'leave' | 'go on'> {
  try {
    const question = `\nstop ${nameOf(jobs)} (s), stop watching (w), or go on (Enter)`
    const answer = (await context.ask(question, { echo: true, signal })).trim().toLowerCase()
    if (answer.startsWith('w')) return 'leave'
    if (answer.startsWith('s')) await stop(context, client, jobs)
    return 'go on'
  } catch {
    // Ctrl-C into the question; or the jobs have ended and nobody waits for the answer.
    return 'leave'
  }
}

async function stop(context: Context, client: ResilientClient, jobs: readonly JobId[]): Promise<void> {
  for (const job of jobs) {
    try {
      const { requested } = await client.call('job.stop', { job })
      if (requested) await notice(context, `job ${job} is being stopped`)
    } catch (error) {
      const reason = error instanceof JankinsError ? error.code : String(error)
      await notice(context, `job ${job} cannot be stopped by this account (${reason})`)
    }
  }
}

const nameOf = (jobs: readonly JobId[]): string =>
  jobs.length === 1 ? `job ${jobs[0]}` : `jobs ${jobs.length > 3 ? `${jobs[0]} to ${jobs.at(-1)}` : jobs.join(', ')}`
