import type { ErrorCode } from '../errors.js'
import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bytes, type Schema } from '../schema.js'

export interface MethodRow {
  readonly doc: string
  /** Who may call it; `none` only before authentication. */
  readonly roles: readonly (f.Role | 'none')[]
  /** The protocol version that brought it. */
  readonly since: number
  readonly params: Schema<unknown>
  readonly result: Schema<unknown>
  /** Beside COMMON_ERRORS. */
  readonly errors: readonly ErrorCode[]
}
export type MethodRows = Record<string, MethodRow>

export const everyone = ['admin', 'user', 'worker', 'reader'] as const
/** Everyone but workers: those may see of jobs what they hold, and of actions what a grant says. */
export const people = ['admin', 'user', 'reader'] as const
export const users = ['admin', 'user'] as const
export const workers = ['admin', 'worker'] as const
export const admins = ['admin'] as const

export const chunk = bytes(0, LIMITS.chunkBytesMax.value)
/** What fences every call of a worker for one job. */
export const held = { job: f.jobId, lease: f.leaseId }
