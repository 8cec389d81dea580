import type { ErrorCode } from '../../../protocol/errors.js'
import type { Name } from '../../../protocol/ids.js'
import type { ConnectionId } from './writer.js'

/** The sessions of an account have to end, and why. */
export interface SessionsEnd {
  readonly user: Name
  readonly code: ErrorCode
  /** This one may stay. */
  readonly except?: ConnectionId
}
export type TellSessionsEnd = (end: SessionsEnd) => void

/** Who is told that sessions have to end, and what they may no longer do until they have. */
export class ShutOut {
  readonly #listeners = new Set<TellSessionsEnd>()
  /** Accounts that were disabled since the start. */
  readonly #users = new Set<Name>()

  has(user: Name): boolean {
    return this.#users.has(user)
  }
  add(user: Name): void {
    this.#users.add(user)
  }
  delete(user: Name): void {
    this.#users.delete(user)
  }

  /** @returns ends it */
  listen(tell: TellSessionsEnd): () => void {
    this.#listeners.add(tell)
    return () => this.#listeners.delete(tell)
  }

  /** In a later turn, so that the request which caused it is answered first: it may come from such a session. */
  tell(end: SessionsEnd): void {
    setImmediate(() => {
      for (const tell of this.#listeners) tell(end)
    })
  }
}
