import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { InviteToken, Sha256 } from './ids.js'

/** Bytes of a new token. */
export const TOKEN_BYTES = 16

/** All that a daemon keeps of a token, and all that it is told before the token is used. PROTOCOL.md §5. */
export const tokenHash = (token: InviteToken): Sha256 =>
  createHash('sha256').update(Buffer.from(token, 'hex')).digest('hex') as Sha256
