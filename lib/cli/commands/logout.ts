import { formatAddress } from '../../client/address.js'
import { credentialsPath, removeLogin } from '../../client/credentials.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { findPlace } from '../login.js'
import { printJson, printLine } from '../print.js'

/** Asks no daemon: what is kept here is all that there is of a login. */
export async function run(args: ArgsOf<'logout'>, { env, stdout }: Context): Promise<number> {
  const { address, profile } = await findPlace(env, args)
  const changed = await removeLogin(credentialsPath(env), address, profile)
  const server = formatAddress(address)
  const where = profile === undefined ? `at ${server}` : `under ${profile}`
  if (args.json) await printJson(stdout, { server, changed, ...(profile !== undefined && { profile }) })
  else await printLine(stdout, changed ? `logged out ${where}` : `there was no login ${where}`)
  return EXIT.done
}
