import { JankinsError } from '../../../protocol/errors.js'
import type { Part } from '../../../protocol/fields.js'
import type { JobId, LeaseId } from '../../../protocol/ids.js'
import type { DurableLengths } from '../slots.js'
import type { HeldLease } from '../writer/writer.js'
import type { Call } from './call.js'

const NOTHING = { stdout: 0, stderr: 0 }

/** A lease as its session holds it. */
export interface Held extends HeldLease {
  readonly job: JobId
  /** Ends when the last request of this session that writes to the parts has ended. */
  turn: Promise<void>
  /** Lengths of the parts as this session saw them last; another connection may have added since. */
  lengths: { readonly [P in Part]: number } | undefined
  /** What this session had noted of what a power loss can no longer take. */
  durable: DurableLengths
  /** What the store has committed of that: after a power loss a log is cut to no less. */
  noted: DurableLengths
}

/** Makes the session hold a lease; a repeated request finds what the first one made. */
export function hold(call: Call, job: JobId, lease: LeaseId, held: HeldLease): Held {
  const { leases } = call.session
  const before = leases.get(lease)
  if (before && before.slot.index === held.slot.index && before.slot.generation === held.slot.generation) return before
  const { slot, attempt, logLimitBytes, bundle, isNew = false } = held
  const now: Held = {
    job,
    slot,
    attempt,
    logLimitBytes,
    isNew,
    turn: Promise.resolve(),
    lengths: undefined,
    durable: NOTHING,
    noted: NOTHING,
    ...(bundle !== undefined && { bundle }),
  }
  leases.set(lease, now)
  return now
}

/** @throws JankinsError E_LEASE_LOST when this session does not hold the lease, or the lease is over */
export function heldLease(call: Call, job: JobId, lease: LeaseId): Held {
  const held = call.session.leases.get(lease)
  if (held?.job !== job) throw new JankinsError('E_LEASE_LOST', { job })
  if (call.services.leaseSlots.isLive(held.slot)) return held
  call.session.leases.delete(lease)
  throw new JankinsError('E_LEASE_LOST', { job })
}

/**
 * Runs `write` when the requests before it have ended, in the order of their arrival, while no other connection writes
 * to the parts of this job.
 * @param write looks first whether the lease is still live
 * @throws JankinsError E_BUSY when another connection does
 */
export function inTurn<T>(call: Call, held: Held, write: () => Promise<T>): Promise<T> {
  const result = held.turn.then(async () => {
    const { connection } = call.session
    const { leaseSlots } = call.services
    if (!leaseSlots.lockParts(held.slot, connection)) {
      // The request before it may have ended the job: there is nothing left to lock, and `write` says so itself.
      if (!leaseSlots.isLive(held.slot)) return await write()
      throw new JankinsError('E_BUSY', { job: held.job })
    }
    try {
      return await write()
    } finally {
      leaseSlots.unlockParts(held.slot, connection)
    }
  })
  const settled = (): void => undefined
  held.turn = result.then(settled, settled)
  return result
}
