import { type Name, parseName } from '../../protocol/ids.js'
import type { Address } from '../base/wire.js'
import { parseAddress } from '../client/address.js'

/** Where to log in, or as whom, or both. */
export interface LoginTarget {
  readonly user?: Name
  readonly address?: Address
}

/**
 * Reads HOST, HOST:PORT, USER@HOST or USER. What has a dot, a colon or a bracket, or is `localhost`, is a host; a user
 * or a host that looks like the other one has an option of its own. Undefined for what is neither.
 */
export function readLoginTarget(text: string): LoginTarget | undefined {
  const at = text.lastIndexOf('@')
  if (at < 0 && !/[.:[]|^localhost$/.test(text)) {
    const user = parseName(text)
    return user && { user }
  }
  const user = at < 0 ? undefined : parseName(text.slice(0, at))
  const address = parseAddress(text.slice(at + 1))
  if (!address || (at >= 0 && !user)) return undefined
  return { address, ...(user && { user }) }
}
