import { type Name, parseName } from '../../../protocol/ids.js'
import type { Security } from '../../base/wire.js'
import { formatAddress } from '../../client/address.js'
import type { LearnedKeys, Login } from '../../client/authenticate.js'
import { connect } from '../../client/connection.js'
import { credentialsPath, writeLogin } from '../../client/credentials.js'
import { type KnownServer, serversPath, writeServer } from '../../client/servers.js'
import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { certificateLogin, environmentPassword, findPlace, findUser, type Place, passwordOf } from '../login.js'
import { type LoginTarget, readLoginTarget } from '../login-target.js'
import { givenTrust, meet } from '../meet.js'
import { printJson, printLine } from '../print.js'

type LoginArgs = ArgsOf<'login'>

export async function run(args: LoginArgs, context: Context): Promise<number> {
  const { env, stdout } = context
  const target = targetOf(args)
  const place = await findPlace(env, { ...args, server: target.address ?? args.server })
  const { address, profile } = place
  const named = target.user ?? findUser(env, args.user)
  let login: Login | undefined
  const { client, server, learned } = await meet(context, address, givenTrust(args), async (server, security) => {
    login ??= await loginOf(args, context, place, named, server, security)
    return await logIn(context, place, login, server, security)
  })
  client.destroy()
  const path = credentialsPath(env)
  await writeServer(serversPath(path), address, server)
  if (learned) await writeLogin(path, address, learned, profile)
  const where = formatAddress(address)
  const user = login?.user
  if (args.json) await printJson(stdout, { server: where, user, role: client.role })
  else await printLine(stdout, `logged in at ${where} as ${user}, role ${client.role}`)
  return EXIT.done
}

function targetOf({ target: text, user, server }: LoginArgs): LoginTarget {
  if (text === undefined) return {}
  const target = readLoginTarget(text)
  if (!target) throw new UsageError(`${JSON.stringify(text)} is neither HOST, HOST:PORT, USER@HOST nor USER`)
  if (target.user !== undefined && user !== undefined && target.user !== user)
    throw new UsageError(`${text} and --user name two accounts: ${target.user} and ${user}`)
  if (target.address && server && formatAddress(target.address) !== formatAddress(server))
    throw new UsageError(`${text} and --server name two daemons`)
  return target
}

async function logIn(
  { dial, clock }: Context,
  { address }: Place,
  login: Login,
  server: KnownServer,
  security: Security | undefined,
) {
  const { user } = login
  let learned: (LearnedKeys & { readonly user: Name }) | undefined
  const onKeys = (keys: LearnedKeys): void => {
    learned = { user, ...keys }
  }
  const client = await connect({ dial, address, security, clock, onKeys, login })
  return { client, server: { ...server, ...(security?.identity && { user }) }, learned }
}

/** The certificate that is given, else a password: asked for where it is not given either. */
async function loginOf(
  args: LoginArgs,
  { env, ask }: Context,
  { address, stored }: Place,
  named: Name | undefined,
  server: KnownServer,
  security: Security | undefined,
): Promise<Login> {
  const certified = certificateLogin(named, server, security)
  if (certified) return certified
  const user = named ?? stored?.user ?? parseName(await ask('account', { echo: true }))
  if (user === undefined) throw new UsageError('that is no name of an account')
  const file = args['password-file']
  const password =
    (file === undefined ? await environmentPassword(env) : await passwordOf(file)) ??
    (await ask(`password of ${user} at ${formatAddress(address)}`, { echo: false }))
  return { user, password }
}
