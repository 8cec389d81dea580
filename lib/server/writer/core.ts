import type { JobId, Name } from '../../../protocol/ids.js'
import type { AuditLog } from '../../audit/audit-log.js'
import type { Clock } from '../../base/clock.js'
import type { Log } from '../../base/log.js'
import type { Home } from '../../domain/job.js'
import type { Store } from '../../store/store.js'
import type { Metrics } from '../metrics/metrics.js'
import type { LeaseSlots, WorkerSlots } from '../slots.js'
import type { Aside } from './aside.js'
import type { Claim, Claims } from './claims.js'
import type { Declined } from './declined.js'
import type { Dispatcher } from './dispatcher.js'
import type { Leases } from './leases.js'
import type { Offers } from './offers.js'
import type { Queues } from './queues.js'
import type { ShutOut } from './shut-out.js'
import type { Waiters } from './waiters.js'
import type { Workers } from './workers.js'

/** What a Writer is built on: all of it can run in one process on a simulated clock. */
export interface WriterParts {
  readonly store: Store
  readonly leaseSlots: LeaseSlots
  readonly workerSlots: WorkerSlots
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Missing where nobody wants to know who did what. */
  readonly audit?: Pick<AuditLog, 'note'>
  /** Id of this daemon, the same at each of its starts. */
  readonly daemon: string
  /** As Blobs.endParts. */
  endParts(job: JobId, attempt: number): Promise<number>
  /** Hex digits of that many bytes, which nobody can guess: what leases are named by. */
  random(bytes: number): string
}

/**
 * What the functions of this folder share. All of it is memory that follows the rows: it changes after a commit, in
 * the turn in which the commit's promise is answered.
 */
export interface Core extends WriterParts {
  readonly home: Home
  readonly dispatcher: Dispatcher<Claim>
  readonly queues: Queues
  readonly claims: Claims
  readonly offers: Offers
  readonly declined: Declined
  readonly aside: Aside
  readonly leases: Leases
  readonly workers: Workers
  readonly waiters: Waiters
  /** Workers that get no new job, as the database says. */
  readonly drained: Set<Name>
  readonly shutOut: ShutOut
  readonly counts: { pending: number }
}
