import type { Name } from '../../../protocol/ids.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { printPages } from '../pages.js'
import { renderWorkers } from '../render.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'workers'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    await printPages(
      context,
      args.json,
      async (after: Name | undefined) => {
        const { workers, next } = await client.call('worker.list', given({ after }))
        return { rows: workers, next }
      },
      (workers, style, isFirst) => renderWorkers(workers, context.clock.nowMs(), style, isFirst),
    )
    return EXIT.done
  })
}
