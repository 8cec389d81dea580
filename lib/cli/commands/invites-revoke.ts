import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'invites revoke'>, context: Context): Promise<number> {
  const { id: invite } = args
  return withDaemon(context, args, async client => {
    const { changed } = await client.call('invite.revoke', { invite })
    if (args.json) await printJson(context.stdout, { invite, changed })
    else await printLine(context.stdout, `invitation ${invite} ${changed ? 'is revoked' : 'did not hold any more'}`)
    return EXIT.done
  })
}
