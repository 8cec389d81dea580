import type { InviteId } from '../../../protocol/ids.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { printPages } from '../pages.js'
import { renderInvites } from '../render-accounts.js'
import { daemonNowMs, withDaemon } from '../session.js'

export function run(args: ArgsOf<'invites list'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    await printPages(
      context,
      args,
      async (after: InviteId | undefined) => {
        const { invites, next } = await client.call('invite.list', given({ after }))
        return { rows: invites, next }
      },
      invite => String(invite.invite),
      (invites, style, isFirst) => renderInvites(invites, daemonNowMs(context, client), style, isFirst),
    )
    return EXIT.done
  })
}
