import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'users delete'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const { changed } = await client.call('user.delete', { user: args.name })
    if (args.json) await printJson(context.stdout, { user: args.name, changed })
    else await printLine(context.stdout, `account ${args.name} ${changed ? 'is' : 'was'} deleted`)
    return EXIT.done
  })
}
