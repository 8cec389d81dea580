import type { JobId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { JobView } from '../../../protocol/views.js'
import type { ResilientClient } from '../../client/resilient.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { type Page, printPages } from '../pages.js'
import { renderJob, renderJobs } from '../render.js'
import { withDaemon } from '../session.js'

type Args = ArgsOf<'query'>

const LIMIT_DEFAULT = 20
const PAGE_ROWS_MAX = LIMITS.pageRowsMax.value

/** Where the next page begins: behind a job, or with the next part of a long list of ids. */
interface After {
  readonly from: number
  readonly job?: JobId | undefined
}

export function run(args: Args, context: Context): Promise<number> {
  const isOne = args.jobs.length === 1
  return withDaemon(context, { server: args.server }, async client => {
    await printPages(context, args.json, reader(client, args), (jobs, style, isFirst) => {
      const nowMs = context.clock.nowMs()
      return isOne ? jobs.map(job => renderJob(job, nowMs)).join('\n') : renderJobs(jobs, nowMs, style, isFirst)
    })
    return EXIT.done
  })
}

/** Counts down to the limit. Without one named, ids that were named are all shown. */
function reader(client: ResilientClient, args: Args): (after?: After) => Promise<Page<JobView, After>> {
  const { jobs, state, action, user, worker, pid } = args
  const isUnlimited = args.all || (args.limit === undefined && jobs.length > 0)
  let left = isUnlimited ? Number.POSITIVE_INFINITY : (args.limit ?? LIMIT_DEFAULT)
  return async ({ from, job: after } = { from: 0 }) => {
    const part = jobs.length > 0 ? jobs.slice(from, from + PAGE_ROWS_MAX) : undefined
    const limit = Math.min(PAGE_ROWS_MAX, left)
    const page = await client.call('job.query', given({ jobs: part, state, action, user, worker, pid, after, limit }))
    left -= page.jobs.length
    if (left <= 0) return { rows: page.jobs }
    if (page.next !== undefined) return { rows: page.jobs, next: { from, job: page.next } }
    const isLast = from + PAGE_ROWS_MAX >= jobs.length
    return { rows: page.jobs, ...(!isLast && { next: { from: from + PAGE_ROWS_MAX } }) }
  }
}
