import { bundleOf } from '../bundle.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { given } from '../given.js'
import { newRequestKey, printJobIds, seeThrough } from '../jobs.js'
import { quietly } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'queue'>, outer: Context): Promise<number> {
  const context = quietly(outer, args.quiet)
  return withDaemon(context, args, async client => {
    const bundle = await bundleOf(context, client, args.with)
    const { name, param, priority, count } = args
    const { jobs } = await client.call(
      'job.queue',
      given({ action: name, key: newRequestKey(), parameters: param, priority, count, bundle }),
    )
    await printJobIds(context, jobs, args.json)
    return seeThrough(context, client, jobs, args)
  })
}
