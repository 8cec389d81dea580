import type { Name } from '../../../protocol/ids.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { printPages } from '../pages.js'
import { renderUsers } from '../render-accounts.js'
import { daemonNowMs, noteSkew, withDaemon } from '../session.js'

export function run(args: ArgsOf<'users list'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    await printPages(
      context,
      args,
      async (after: Name | undefined) => {
        const { users, next } = await client.call('user.list', given({ after }))
        return { rows: users, next }
      },
      user => user.user,
      (users, style, isFirst) => renderUsers(users, daemonNowMs(context, client), style, isFirst),
    )
    await noteSkew(context, client)
    return EXIT.done
  })
}
