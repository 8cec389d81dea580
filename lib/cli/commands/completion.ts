import { type Context, OutputClosedError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { candidatesFor, type Live, liveWords } from '../completion/candidates.js'
import { COMPLETION_SCRIPTS } from '../completion/scripts.js'
import { EXIT } from '../failure.js'
import { printLine } from '../print.js'
import { withDaemon } from '../session.js'

/** Behind -- stands what has been typed: a shell asks like this at each Tab. */
export async function run(args: ArgsOf<'completion'>, context: Context): Promise<number> {
  if (args.rest.length === 0) {
    await context.stdout.write(COMPLETION_SCRIPTS[args.shell])
    return EXIT.done
  }
  const { words, live } = candidatesFor(args.rest)
  const word = args.rest.at(-1) ?? ''
  const named = live === undefined || live === 'file' ? [] : await liveOrNone(args, context, live)
  for (const candidate of [...words, ...named.filter(name => name.startsWith(word))])
    await printLine(context.stdout, candidate)
  return EXIT.done
}

/** Whoever presses Tab wants no message: without a login or a daemon there are no names. */
async function liveOrNone(args: ArgsOf<'completion'>, context: Context, live: Live): Promise<readonly string[]> {
  try {
    return await withDaemon(context, args, client => liveWords(client, live))
  } catch (error) {
    if (error instanceof OutputClosedError) throw error
    return []
  }
}
