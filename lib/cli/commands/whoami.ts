import { formatAddress } from '../../client/address.js'
import { connect } from '../../client/connection.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { findAccess, findPlace } from '../login.js'
import { printJson, printLine } from '../print.js'

export async function run(args: ArgsOf<'whoami'>, context: Context): Promise<number> {
  const { env, dial, clock, stdout } = context
  const place = await findPlace(env, args)
  const access = await findAccess(env, place, { user: args.user })
  const { login } = access
  const { role, destroy } = await connect({ dial, clock, ...access })
  destroy()
  const server = formatAddress(place.address)
  if (args.json) await printJson(stdout, { user: login.user, role, server })
  else await printLine(stdout, `${login.user}, role ${role}, at ${server}`)
  return EXIT.done
}
