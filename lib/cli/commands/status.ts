import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson } from '../print.js'
import { renderStatus } from '../render.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'status'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const status = await client.call('server.status', {})
    if (args.json) await printJson(context.stdout, status)
    else await context.stdout.write(renderStatus(status))
    return EXIT.done
  })
}
