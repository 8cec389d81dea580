import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'secret list'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const { action, json } = args
    const { secrets } = await client.call('secret.list', { action })
    for (const secret of secrets)
      if (json) await printJson(context.stdout, { action, secret })
      else await printLine(context.stdout, secret)
    return EXIT.done
  })
}
