import { parseName } from '../../../protocol/ids.js'
import { formatAddress } from '../../client/address.js'
import type { LearnedKeys } from '../../client/authenticate.js'
import { connect } from '../../client/connection.js'
import { credentialsPath, writeLogin } from '../../client/credentials.js'
import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { environmentPassword, findPlace, findUser, passwordOf } from '../login.js'
import { printJson, printLine } from '../print.js'

export async function run(args: ArgsOf<'login'>, context: Context): Promise<number> {
  const { env, dial, clock, stdout } = context
  const { address, profile, stored } = await findPlace(env, args)
  if (args.name !== undefined && args.user !== undefined && args.name !== args.user)
    throw new UsageError(`NAME and --user name two accounts: ${args.name} and ${args.user}`)
  const user =
    args.name ?? findUser(env, args.user) ?? stored?.user ?? parseName(await context.ask('account', { echo: true }))
  if (user === undefined) throw new UsageError('that is no name of an account')
  const server = formatAddress(address)
  const file = args['password-file']
  const password =
    (file === undefined ? await environmentPassword(env) : await passwordOf(file)) ??
    (await context.ask(`password of ${user} at ${server}`, { echo: false }))
  let learned: LearnedKeys | undefined
  const onKeys = (keys: LearnedKeys): void => {
    learned = keys
  }
  const client = await connect({ dial, address, clock, onKeys, login: { user, password } })
  client.destroy()
  if (learned) await writeLogin(credentialsPath(env), address, { user, ...learned }, profile)
  if (args.json) await printJson(stdout, { server, user, role: client.role })
  else await printLine(stdout, `logged in at ${server} as ${user}, role ${client.role}`)
  return EXIT.done
}
