import { bundleOf } from '../bundle.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { definitionOf } from '../definition.js'
import { given } from '../given.js'
import { newRequestKey, printJobIds, seeThrough } from '../jobs.js'
import { quietly } from '../print.js'
import { withDaemon } from '../session.js'

export async function run(args: ArgsOf<'exec'>, outer: Context): Promise<number> {
  const context = quietly(outer, args.quiet)
  const definition = await definitionOf(args)
  return withDaemon(context, args, async client => {
    const bundle = await bundleOf(context, client, args.with)
    const { job } = await client.call('job.exec', given({ ...definition, key: newRequestKey(), bundle }))
    await printJobIds(context, [job], args.json)
    return seeThrough(context, client, [job], args)
  })
}
