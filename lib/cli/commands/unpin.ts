import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { forEachJob } from '../jobs.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'unpin'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const { status } = await forEachJob(context, args.jobs, async job => {
      const { changed } = await client.call('job.unpin', { job })
      if (args.json) await printJson(context.stdout, { job, changed })
      else await printLine(context.stdout, `job ${job} ${changed ? 'is not pinned any more' : 'was not pinned'}`)
    })
    return status
  })
}
