import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { definitionOf } from '../definition.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export async function run(args: ArgsOf<'add-action'>, context: Context): Promise<number> {
  const definition = await definitionOf(args)
  return withDaemon(context, args, async client => {
    const { name: action, replace } = args
    const { changed } = await client.call('action.add', { ...definition, action, replace })
    if (args.json) await printJson(context.stdout, { action, changed })
    else await printLine(context.stdout, `action ${action} ${changed ? 'is defined' : 'was defined like this before'}`)
    return EXIT.done
  })
}
