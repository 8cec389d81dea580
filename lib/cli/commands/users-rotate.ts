import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { keepLogin } from '../keep-login.js'
import { findPlace } from '../login.js'
import { makeCredential, randomPassword } from '../new-password.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

/** The old password opens nothing any more, and what was opened with it ends. */
export function run(args: ArgsOf<'users rotate'>, context: Context): Promise<number> {
  const { name: user, json } = args
  return withDaemon(context, args, async client => {
    await client.ready
    const password = randomPassword()
    const { learned, credential } = await makeCredential(password)
    await client.call('user.passwd', { user, ...credential, endSessions: true })
    await keepLogin(context, await findPlace(context.env, args), user, learned)
    if (json) await printJson(context.stdout, { user, password })
    // Alone on its line, so that a script can take it as it is.
    else await printLine(context.stdout, password)
    return EXIT.done
  })
}
