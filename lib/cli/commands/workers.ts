import type { Name } from '../../../protocol/ids.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { printPages } from '../pages.js'
import { daemonNowMs, noteSkew, withDaemon } from '../session.js'
import { renderWorkers } from '../tables.js'

export function run(args: ArgsOf<'workers'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    await printPages(
      context,
      args,
      async (after: Name | undefined) => {
        const { workers, next } = await client.call('worker.list', given({ after }))
        return { rows: workers, next }
      },
      worker => worker.worker,
      (workers, style, isFirst) => renderWorkers(workers, daemonNowMs(context, client), style, isFirst),
    )
    await noteSkew(context, client)
    return EXIT.done
  })
}
