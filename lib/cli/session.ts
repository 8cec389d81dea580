import { type ResilientClient, startResilient } from '../client/resilient.js'
import type { Context } from './command.js'
import { findAccess, findPlace, type Target } from './login.js'
import { withNearest } from './nearest.js'
import { notice } from './print.js'
import { formatOffset } from './text.js'

/** Now by the daemon's clock, which every time of the wire is by. */
export const daemonNowMs = ({ clock }: Context, { clockOffsetMs }: ResilientClient): number =>
  Math.round(clock.nowMs() + clockOffsetMs)

/** From here on a relative time of one clock would mislead by the other. */
const SKEW_MS = 30_000

/** For commands that show times: says so when the clocks differ much. */
export async function noteSkew(context: Context, { clockOffsetMs }: ResilientClient): Promise<void> {
  if (Math.abs(clockOffsetMs) < SKEW_MS) return
  const offset = formatOffset(clockOffsetMs)
  await notice(context, `jankins: the daemon's clock is ${offset}; times are shown by the daemon's clock`)
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
  const access = await findAccess(env, await findPlace(env, target), { user: target.user })
  const onLost = (): void => {
    notice(context, 'jankins: the connection to the daemon was lost, trying again').catch(() => {})
  }
  const client = startResilient({ dial, clock, onLost, ...access })
  try {
    return await use(client)
  } catch (error) {
    throw await withNearest(error, client)
  } finally {
    client.close()
  }
}
