import type { Name } from '../../protocol/ids.js'
import type { LearnedKeys } from '../client/authenticate.js'
import { credentialsPath, writeLogin } from '../client/credentials.js'
import type { Context } from './command.js'
import type { Place } from './login.js'

/** A login that is kept for this account goes on working after its password was changed. */
export async function keepLogin({ env }: Context, place: Place, user: Name, learned: LearnedKeys): Promise<void> {
  const { address, profile, stored } = place
  if (stored?.user === user) await writeLogin(credentialsPath(env), address, { user, ...learned }, profile)
}
