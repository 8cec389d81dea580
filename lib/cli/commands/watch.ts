import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { withDaemon } from '../session.js'
import { watchByLine } from '../watch/lines.js'
import { watchOnScreen } from '../watch/screen.js'

const EVERY_MS_DEFAULT = 1_000

export function run(args: ArgsOf<'watch'>, context: Context): Promise<number> {
  const everyMs = args.every ?? EVERY_MS_DEFAULT
  return withDaemon(context, args, client =>
    context.stdout.isTerminal && context.terminal.isInteractive && !args.json
      ? watchOnScreen(context, client, everyMs)
      : watchByLine(context, client, everyMs, args.json),
  )
}
