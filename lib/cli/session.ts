import type { Name } from '../../protocol/ids.js'
import type { Address } from '../base/wire.js'
import { type ResilientClient, startResilient } from '../client/resilient.js'
import type { Context } from './command.js'
import { findAccess, findAddress } from './login.js'
import { notice } from './print.js'

/** Which daemon, and as whom: the options that every command has. */
export interface Target {
  readonly server?: Address | undefined
  readonly user?: Name | undefined
}

/**
 * Hands a client over while it logs in, so that its first request may ride along, and closes it whatever happens.
 * @throws what connecting, logging in and `use` throw
 */
export async function withDaemon<T>(
  context: Context,
  target: Target,
  use: (client: ResilientClient) => Promise<T>,
): Promise<T> {
  const { env, clock, dial } = context
  const address = findAddress(env, target.server)
  const access = await findAccess(env, address, { user: target.user })
  const onLost = (): void => {
    notice(context, 'jankins: the connection to the daemon was lost, trying again').catch(() => {})
  }
  const client = startResilient({ dial, clock, onLost, ...access })
  try {
    return await use(client)
  } finally {
    client.close()
  }
}
