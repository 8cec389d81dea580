import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'unpin'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    for (const job of args.jobs) {
      const { changed } = await client.call('job.unpin', { job })
      if (args.json) await printJson(context.stdout, { job, changed })
      else await printLine(context.stdout, `job ${job} ${changed ? 'is not pinned any more' : 'was not pinned'}`)
    }
    return EXIT.done
  })
}
