import type { JobId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { JobView } from '../../../protocol/views.js'
import { sleep } from '../../base/clock.js'
import type { ResilientClient } from '../../client/resilient.js'
import type { Context } from '../command.js'
import { given } from '../given.js'
import { hasEnded } from '../jobs.js'
import { printJson, printLine } from '../print.js'
import { renderEnd } from '../render.js'
import { daemonNowMs } from '../session.js'
import { formatTime } from '../text.js'

/** One line for each job that waits, starts, or ends, from now until the program is ended. */
export async function watchByLine(
  context: Context,
  client: ResilientClient,
  everyMs: number,
  json: boolean,
): Promise<never> {
  const { stdout, clock } = context
  /** Jobs that have not ended, with what was said of them. */
  const shown = new Map<JobId, string>()
  let newest = await newestJob(client)
  for (;;) {
    // Newer ones last: of those that were queued meanwhile none is passed over, however short it was.
    const found = new Map(await readOpen(client))
    for (const view of await readNewer(client, newest)) found.set(view.job, view)
    newest = Math.max(newest, ...found.keys())
    const ended = await readEnded(
      client,
      [...shown.keys()].filter(job => !found.has(job)),
    )
    for (const view of [...found.values(), ...ended].sort((a, b) => a.job - b.job)) {
      if (shown.get(view.job) === factsOf(view)) continue
      if (json) await printJson(stdout, view)
      else await printLine(stdout, `${formatTime(daemonNowMs(context, client))} ${renderChange(view)}`)
    }
    for (const view of [...found.values(), ...ended])
      if (hasEnded(view)) shown.delete(view.job)
      else shown.set(view.job, factsOf(view))
    await sleep(clock, everyMs)
  }
}

/** What makes a new line when it changes. */
const factsOf = (job: JobView): string => `${job.state} ${job.attempt}`

function renderChange(job: JobView): string {
  if (job.state === 'PENDING') return `job ${job.job} PENDING: ${job.action ?? 'exec'}, queued by ${job.user}`
  if (job.state === 'RUNNING') return `job ${job.job} RUNNING: ${job.action ?? 'exec'} on ${job.worker}`
  return renderEnd(job)
}

/** The newest of those that wait and of those that run: a page of each. */
export async function readOpen(client: ResilientClient): Promise<ReadonlyMap<JobId, JobView>> {
  const pages = await Promise.all(
    (['RUNNING', 'PENDING'] as const).map(state =>
      client.call('job.query', { state, limit: LIMITS.pageRowsMax.value }),
    ),
  )
  return new Map(pages.flatMap(({ jobs }) => jobs.map(view => [view.job, view] as const)))
}

/** 0 where there is none. */
const newestJob = async (client: ResilientClient): Promise<number> =>
  (await client.call('job.query', { limit: 1 })).jobs[0]?.job ?? 0

/** Every job that was queued after this one. */
async function readNewer(client: ResilientClient, newest: number): Promise<readonly JobView[]> {
  const views: JobView[] = []
  for (let after: JobId | undefined; ; ) {
    const page = await client.call('job.query', given({ after, limit: LIMITS.pageRowsMax.value }))
    const newer = page.jobs.filter(({ job }) => job > newest)
    views.push(...newer)
    if (newer.length < page.jobs.length || page.next === undefined) return views
    after = page.next
  }
}

async function readEnded(client: ResilientClient, jobs: readonly JobId[]): Promise<readonly JobView[]> {
  const views: JobView[] = []
  for (let from = 0; from < jobs.length; from += LIMITS.pageRowsMax.value) {
    const part = jobs.slice(from, from + LIMITS.pageRowsMax.value)
    const page = await client.call('job.query', { jobs: part })
    views.push(...page.jobs.filter(hasEnded))
  }
  return views
}
