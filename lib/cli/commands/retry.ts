import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { newRequestKey, printJobIds, seeThrough } from '../jobs.js'
import { quietly } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'retry'>, outer: Context): Promise<number> {
  const context = quietly(outer, args.quiet)
  return withDaemon(context, args, async client => {
    const { job } = await client.call('job.retry', { job: args.job, key: newRequestKey() })
    await printJobIds(context, [job], args.json)
    return seeThrough(context, client, [job], args)
  })
}
