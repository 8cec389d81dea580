import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'secret remove'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const { action, name: secret, json } = args
    const { changed } = await client.call('secret.remove', { action, secret })
    if (json) await printJson(context.stdout, { action, secret, changed })
    else await printLine(context.stdout, `secret ${secret} of ${action} ${changed ? 'is' : 'was'} removed`)
    return EXIT.done
  })
}
