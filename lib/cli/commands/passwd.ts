import { connect } from '../../client/connection.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { keepLogin } from '../keep-login.js'
import { type Access, findAccess, findPlace } from '../login.js'
import { askNewPassword, makeCredential } from '../new-password.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export async function run(args: ArgsOf<'passwd'>, context: Context): Promise<number> {
  const { env } = context
  const place = await findPlace(env, args)
  const { address, security, login } = await findAccess(env, place, { user: args.user })
  const self = login.user
  const user = args.name ?? self
  await withDaemon(context, args, async client => {
    // Nobody is asked for what would be of no use.
    await client.ready
    const password = await askNewPassword(context, user, args['password-file'])
    const { learned, credential } = await makeCredential(password)
    try {
      await client.call('user.passwd', { user, ...credential })
    } catch (error) {
      // The reply may have been lost after the change: then the old password opens nothing, and the new one does.
      if (user !== self || !(await opens(context, { address, security, login: { user, ...learned } }))) throw error
    }
    await keepLogin(context, place, user, learned)
  })
  if (args.json) await printJson(context.stdout, { user })
  else await printLine(context.stdout, `the password of ${user} is changed`)
  return EXIT.done
}

async function opens({ dial, clock }: Context, access: Access): Promise<boolean> {
  try {
    const client = await connect({ dial, clock, ...access })
    client.destroy()
    return true
  } catch {
    return false
  }
}
