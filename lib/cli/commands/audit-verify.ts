import { verifyAudit } from '../../audit/verify.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'

/** Reads the files themselves: for the admin on the machine of the daemon, or with a copy of them. */
export async function run(args: ArgsOf<'audit verify'>, context: Context): Promise<number> {
  const dataDir = args.data ?? context.env.STATE_DIRECTORY?.split(':')[0] ?? 'data'
  const verdict = await verifyAudit(args.file === undefined ? { dataDir } : { file: args.file })
  const { lines, hash, problems } = verdict
  if (args.json) await printJson(context.stdout, verdict)
  else {
    for (const problem of problems) await printLine(context.stdout, problem)
    const told = problems.length === 0 ? 'whole' : `damaged, as told above`
    if (lines > 0 || problems.length === 0)
      await printLine(context.stdout, `the audit log is ${told}: ${lines} lines, the last one has the hash ${hash}`)
  }
  return problems.length === 0 ? EXIT.done : EXIT.failed
}
