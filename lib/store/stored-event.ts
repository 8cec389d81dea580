import type { Reason } from '../../protocol/fields.js'
import type { Name } from '../../protocol/ids.js'

/** What happened to a job beside what its row says. */
export interface StoredEvent {
  readonly atMs: number
  /** `attempt-over`: the job waits for the next one. */
  readonly kind: 'attempt-over' | 'stop-requested'
  /** The attempt that is over, or that was to be stopped. */
  readonly attempt: number
  readonly startedAtMs?: number
  readonly worker?: Name
  /** Who asked for the stop. */
  readonly user?: Name
  readonly reason?: Reason
}
