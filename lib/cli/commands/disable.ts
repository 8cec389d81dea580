import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'disable'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const { changed } = await client.call('action.disable', { action: args.name })
    if (args.json) await printJson(context.stdout, { action: args.name, changed })
    else await printLine(context.stdout, `action ${args.name} ${changed ? 'is' : 'was'} disabled`)
    return EXIT.done
  })
}
