import { type InviteToken, parseInviteToken } from '../../../protocol/ids.js'
import { formatAddress } from '../../client/address.js'
import { connect } from '../../client/connection.js'
import { credentialsPath, writeLogin } from '../../client/credentials.js'
import { register } from '../../client/register.js'
import { serversPath, writeServer } from '../../client/servers.js'
import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { findPlace } from '../login.js'
import { givenTrust, meet } from '../meet.js'
import { askNewPassword, makeCredential, randomPassword } from '../new-password.js'
import { printJson, printLine } from '../print.js'

export async function run(args: ArgsOf<'register'>, context: Context): Promise<number> {
  const { env, dial, clock, stdout } = context
  const { name: user, generate } = args
  if (generate && args['password-file'] !== undefined)
    throw new UsageError('give --generate or --password-file, not both')
  const { address, profile } = await findPlace(env, args)
  const token = await tokenOf(args.invite, context)
  const password = generate ? randomPassword() : await askNewPassword(context, user, args['password-file'])
  const { learned, credential } = await makeCredential(password)
  const path = credentialsPath(env)
  const { role, approved } = await meet(context, address, givenTrust(args), async (server, security) => {
    const registered = await register({ dial, address, security, token, user, credential })
    await writeServer(serversPath(path), address, server)
    await writeLogin(path, address, { user, ...learned }, profile)
    // Who answered has proven nothing yet: a daemon that has the keys can.
    if (registered.approved) (await connect({ dial, address, security, clock, login: { user, ...learned } })).destroy()
    return registered
  })
  if (args.json) await printJson(stdout, { server: formatAddress(address), user, role, approved })
  else await printLine(stdout, `account ${user} is made, role ${role}${approved ? '' : '; it waits for an admin'}`)
  return EXIT.done
}

/** The flag, JANKINS_INVITE, which no list of processes shows, or what a person types. @throws UsageError */
async function tokenOf(flag: string | undefined, context: Context): Promise<InviteToken> {
  const text = flag ?? context.env.JANKINS_INVITE ?? (await context.ask('invitation', { echo: false }))
  const token = parseInviteToken(text.trim())
  if (token === undefined) throw new UsageError('an invitation is the 32 hex digits that jankins invite printed')
  return token
}
