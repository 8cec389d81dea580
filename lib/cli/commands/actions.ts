import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { printPages } from '../pages.js'
import { renderAction } from '../render.js'
import { withDaemon } from '../session.js'
import { renderActions } from '../tables.js'

export function run(args: ArgsOf<'actions'>, context: Context): Promise<number> {
  const { name: action } = args
  const isOne = action !== undefined && !args.wide && args.columns === undefined
  return withDaemon(context, args, async client => {
    await printPages(
      context,
      args,
      async (after: typeof action) => {
        const { actions, next } = await client.call('action.list', given({ action, after }))
        return { rows: actions, next }
      },
      row => row.action,
      (actions, style, isFirst) =>
        isOne ? actions.map(renderAction).join('\n') : renderActions(actions, style, isFirst),
    )
    return EXIT.done
  })
}
