import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { newRequestKey, printJobIds } from '../jobs.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'retry'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const { job } = await client.call('job.retry', { job: args.job, key: newRequestKey() })
    await printJobIds(context, [job], args.json)
    return EXIT.done
  })
}
