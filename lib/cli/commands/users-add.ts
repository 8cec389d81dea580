import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { askNewPassword, makeCredential, randomPassword } from '../new-password.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'users add'>, context: Context): Promise<number> {
  const { name: user, role = 'user', exec: mayExec, generate, json } = args
  if (generate && args['password-file'] !== undefined)
    throw new UsageError('give --generate or --password-file, not both')
  return withDaemon(context, args, async client => {
    // Nobody is asked for what would be of no use.
    await client.ready
    const password = generate ? randomPassword() : await askNewPassword(context, user, args['password-file'])
    const { credential } = await makeCredential(password)
    await client.call('user.add', { user, role, mayExec, ...credential })
    if (json) await printJson(context.stdout, { user, role, mayExec, ...(generate && { password }) })
    // Alone on its line, so that a script can take it as it is.
    else await printLine(context.stdout, generate ? password : `account ${user} is made, role ${role}`)
    return EXIT.done
  })
}
