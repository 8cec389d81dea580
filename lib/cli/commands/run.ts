import { bundleOf } from '../bundle.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { given } from '../given.js'
import { newRequestKey, seeThrough } from '../jobs.js'
import { notice, quietly } from '../print.js'
import { withDaemon } from '../session.js'

/** Unlike queue --follow it prints no id: stdout is the job's alone. */
export function run(args: ArgsOf<'run'>, outer: Context): Promise<number> {
  const context = quietly(outer, args.quiet)
  return withDaemon(context, args, async client => {
    const bundle = await bundleOf(context, client, args.with)
    const { jobs } = await client.call(
      'job.queue',
      given({ action: args.name, key: newRequestKey(), parameters: args.param, priority: args.priority, bundle }),
    )
    await notice(context, `job ${jobs.join(' ')} is queued`)
    return seeThrough(context, client, jobs, { wait: true, follow: true, json: args.json })
  })
}
