import type { JobId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { JobView } from '../../../protocol/views.js'
import type { ResilientClient } from '../../client/resilient.js'
import type { Context, Moment } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { type Page, printPages } from '../pages.js'
import { renderJob } from '../render.js'
import { daemonNowMs, noteSkew, withDaemon } from '../session.js'
import { renderJobs } from '../tables.js'

type Args = ArgsOf<'query'>

const LIMIT_DEFAULT = 20
const PAGE_ROWS_MAX = LIMITS.pageRowsMax.value

/** Where the next page begins: behind a job, or with the next part of a long list of ids. */
interface After {
  readonly from: number
  readonly job?: JobId | undefined
}

export function run(args: Args, context: Context): Promise<number> {
  const isOne = args.jobs.length === 1 && !args.wide && args.columns === undefined
  return withDaemon(context, { server: args.server, profile: args.profile }, async client => {
    // What is so long ago is counted back from the daemon's time, which the connection tells.
    if (args.since !== undefined || args.until !== undefined) await client.ready
    const read = reader(client, args, daemonNowMs(context, client))
    const idOf = ({ job }: JobView): string => String(job)
    await printPages(context, args, read, idOf, (jobs, style, isFirst) => {
      const nowMs = daemonNowMs(context, client)
      return isOne ? jobs.map(job => renderJob(job, nowMs)).join('\n') : renderJobs(jobs, nowMs, style, isFirst)
    })
    await noteSkew(context, client)
    return EXIT.done
  })
}

/** Counts down to the limit. Without one named, ids that were named are all shown. */
function reader(client: ResilientClient, args: Args, nowMs: number): (after?: After) => Promise<Page<JobView, After>> {
  const { jobs, state, action, user, worker, pid, label, text } = args
  const filter = {
    ...{ state, action, user, worker, pid, label, text, exitCode: args['exit-code'] },
    ...{ queuedFromMs: atOf(args.since, nowMs), queuedBeforeMs: atOf(args.until, nowMs) },
  }
  const isUnlimited = args.all || (args.limit === undefined && jobs.length > 0)
  let left = isUnlimited ? Number.POSITIVE_INFINITY : (args.limit ?? LIMIT_DEFAULT)
  return async ({ from, job: after } = { from: 0 }) => {
    const part = jobs.length > 0 ? jobs.slice(from, from + PAGE_ROWS_MAX) : undefined
    const limit = Math.min(PAGE_ROWS_MAX, left)
    const page = await client.call('job.query', given({ ...filter, jobs: part, after, limit }))
    left -= page.jobs.length
    if (left <= 0) return { rows: page.jobs }
    if (page.next !== undefined) return { rows: page.jobs, next: { from, job: page.next } }
    const isLast = from + PAGE_ROWS_MAX >= jobs.length
    return { rows: page.jobs, ...(!isLast && { next: { from: from + PAGE_ROWS_MAX } }) }
  }
}

function atOf(moment: Moment | undefined, nowMs: number): number | undefined {
  if (moment === undefined) return undefined
  return 'atMs' in moment ? moment.atMs : Math.max(0, nowMs - moment.agoMs)
}
