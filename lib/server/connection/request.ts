import type { Method } from '../../../protocol/methods.js'

/** A request as it was decoded, before anything in it is believed. */
export interface Request {
  readonly id: number
  readonly method: string
  /** Gone once they are checked. */
  params?: unknown
}

/** What comes before a role is known is the session's own: everything else has a handler. */
export type BeforeAuth = 'auth.start' | 'auth.finish' | 'user.register'
export type HandledMethod = Exclude<Method, BeforeAuth>

/** A peer's text as it may stand in a log line or an error: short, and in one line. */
export const boundedText = (text: string): string => text.slice(0, 64).replace(/[^\x20-\x7e]/g, '?')
