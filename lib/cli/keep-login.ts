import type { Name } from '../../protocol/ids.js'
import type { Address } from '../base/wire.js'
import type { LearnedKeys } from '../client/authenticate.js'
import { credentialsPath, readLogin, writeLogin } from '../client/credentials.js'
import type { Context } from './command.js'

/** A login that is kept for this account goes on working after its password was changed. */
export async function keepLogin({ env }: Context, address: Address, user: Name, learned: LearnedKeys): Promise<void> {
  const path = credentialsPath(env)
  if ((await readLogin(path, address))?.user === user) await writeLogin(path, address, { user, ...learned })
}
