import { resolve } from 'node:path'
import { JankinsError } from '../../../protocol/errors.js'
import { type Name, parseName } from '../../../protocol/ids.js'
import { isTrustGiven, type Trust } from '../../base/trust.js'
import type { Address } from '../../base/wire.js'
import { formatAddress } from '../../client/address.js'
import type { LearnedKeys } from '../../client/authenticate.js'
import { type Client, ConnectionLostError, connect, type Login } from '../../client/connection.js'
import { credentialsPath, writeLogin } from '../../client/credentials.js'
import { type KnownServer, serversPath, writeServer } from '../../client/servers.js'
import { shownFingerprint } from '../../client/tls.js'
import { TransportError } from '../../client/transport-error.js'
import { securityOf } from '../../client/trust.js'
import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { certificateLogin, environmentPassword, findAddress, findUser, passwordOf } from '../login.js'
import { type Place, readPlace } from '../place.js'
import { printJson, printLine } from '../print.js'
import { findTrust } from '../trust.js'

type LoginArgs = ArgsOf<'login'>

interface LoggedIn {
  readonly client: Client
  readonly server: KnownServer
  readonly login: Login
  readonly learned: LearnedKeys | undefined
}

export async function run(args: LoginArgs, context: Context): Promise<number> {
  const { env, stdout } = context
  const place = placeOf(args)
  const address = place.address ?? findAddress(env, args.server)
  const { client, server, login, learned } = await logIn(args, context, address, place.user ?? findUser(env, args.user))
  client.destroy()
  const path = credentialsPath(env)
  await writeServer(serversPath(path), address, server)
  const { user } = login
  if (learned) await writeLogin(path, address, { user, ...learned })
  const where = formatAddress(address)
  if (args.json) await printJson(stdout, { server: where, user, role: client.role })
  else await printLine(stdout, `logged in at ${where} as ${user}, role ${client.role}`)
  return EXIT.done
}

function placeOf({ place: text, user, server }: LoginArgs): Place {
  if (text === undefined) return {}
  const place = readPlace(text)
  if (!place) throw new UsageError(`${JSON.stringify(text)} is neither HOST, HOST:PORT, USER@HOST nor USER`)
  if (place.user !== undefined && user !== undefined && place.user !== user)
    throw new UsageError(`${text} and --user name two accounts: ${place.user} and ${user}`)
  if (place.address && server && formatAddress(place.address) !== formatAddress(server))
    throw new UsageError(`${text} and --server name two daemons`)
  return place
}

/** A daemon whose certificate nobody has vouched for yet shows it first, and a person decides. */
async function logIn(args: LoginArgs, context: Context, address: Address, user: Name | undefined): Promise<LoggedIn> {
  const given = givenTrust(args)
  // A certificate of an earlier login is not shown again unless it is asked for: this one may be by password.
  const trust = { ...(await findTrust(context.env, address, given)), certFile: given.certFile, keyFile: given.keyFile }
  let login: Login | undefined
  const attempt = async (server: KnownServer): Promise<LoggedIn> => {
    const security = await securityOf(server)
    login ??= certificateLogin(user, server, security) ?? (await passwordLogin(args, context, address, user))
    let learned: LearnedKeys | undefined
    const onKeys = (keys: LearnedKeys): void => {
      learned = keys
    }
    const { dial, clock } = context
    const client = await connect({ dial, address, security, clock, onKeys, login })
    return { client, server: { ...server, ...(security?.identity && { user: login.user }) }, login, learned }
  }
  const askFirst = async (): Promise<LoggedIn> =>
    await attempt({ ...trust, plaintext: undefined, fingerprint: await askTrust(context, address) })
  const isKnown = isTrustGiven({ ...trust, certFile: undefined, keyFile: undefined })
  if (!isKnown && (given.certFile !== undefined || !(await isHere(context, address)))) return await askFirst()
  try {
    return await attempt(trust)
  } catch (error) {
    if (error instanceof JankinsError && error.code === 'E_TLS_REQUIRED') return await askFirst()
    throw error
  }
}

const givenTrust = ({ fingerprint, ca, plaintext, cert, key }: LoginArgs): Trust => ({
  fingerprint,
  caFile: ca === undefined ? undefined : resolve(ca),
  plaintext: plaintext || undefined,
  certFile: cert === undefined ? undefined : resolve(cert),
  keyFile: key === undefined ? undefined : resolve(key),
})

/** Whether the daemon runs on this machine, so that no certificate is needed. @throws ConnectionLostError */
async function isHere({ dial }: Context, address: Address): Promise<boolean> {
  try {
    const wire = await dial(address)
    wire.destroy()
    return true
  } catch (cause) {
    if (cause instanceof TransportError && cause.fault === 'unknown-daemon') return false
    throw new ConnectionLostError(`cannot reach ${formatAddress(address)}`, { cause })
  }
}

/** @returns the fingerprint that a person took for the right one */
async function askTrust(context: Context, address: Address): Promise<string> {
  const where = formatAddress(address)
  const shown = await shownFingerprint(address).catch((cause: unknown) => {
    throw new ConnectionLostError(`cannot reach ${where}`, { cause })
  })
  const otherwise = `where it is the one that jankinsd printed at its start, give --fingerprint ${shown}; or give --ca FILE`
  const answer = await context.ask(`${where} shows the certificate ${shown}; trust it? (yes/no)`, {
    echo: true,
    otherwise,
  })
  if (answer.trim().toLowerCase() !== 'yes') throw new UsageError(`the certificate of ${where} is not trusted`)
  return shown
}

async function passwordLogin(
  args: LoginArgs,
  { env, ask }: Context,
  address: Address,
  named: Name | undefined,
): Promise<Login> {
  const user = named ?? parseName(await ask('account', { echo: true }))
  if (user === undefined) throw new UsageError('that is no name of an account')
  const file = args['password-file']
  const password =
    (file === undefined ? await environmentPassword(env) : await passwordOf(file)) ??
    (await ask(`password of ${user} at ${formatAddress(address)}`, { echo: false }))
  return { user, password }
}
