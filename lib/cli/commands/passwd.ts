import type { Name } from '../../../protocol/ids.js'
import type { Address } from '../../base/wire.js'
import type { LearnedKeys } from '../../client/authenticate.js'
import { connect } from '../../client/connection.js'
import { credentialsPath, readLogin, writeLogin } from '../../client/credentials.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { type Access, findAccess, findAddress } from '../login.js'
import { askNewPassword, makeCredential } from '../new-password.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export async function run(args: ArgsOf<'passwd'>, context: Context): Promise<number> {
  const { env } = context
  const address = findAddress(env, args.server)
  const { security, login } = await findAccess(env, address, { user: args.user })
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
    await keep(context, address, user, learned)
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

/** A login that is kept for this account goes on working. */
async function keep({ env }: Context, address: Address, user: Name, learned: LearnedKeys): Promise<void> {
  const path = credentialsPath(env)
  if ((await readLogin(path, address))?.user === user) await writeLogin(path, address, { user, ...learned })
}
