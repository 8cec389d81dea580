import { JankinsError } from '../../../protocol/errors.js'
import { type ClaimId, parseLeaseId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { Grant } from '../../../protocol/views.js'
import { assert } from '../../base/assert.js'
import type { Head, QueueId } from '../../store/store.js'
import { type ReadGrant, readGrant } from '../grants.js'
import { type Claim, claimKey } from './claims.js'
import type { Core } from './core.js'
import type { Offer } from './offers.js'
import { SUSPECT_MS } from './workers.js'
import type { ConnectionId } from './writer.js'

/** See Writer.claim. */
export async function claim(
  core: Core,
  connection: ConnectionId,
  id: ClaimId,
  waitMs: number,
): Promise<Grant | undefined> {
  const worker = core.workers.of(connection)
  const key = claimKey(worker.instance, id)
  const known = core.claims.get(key)
  if (known) return known.answer
  core.claims.checkRoom(connection, worker.user)
  const askedAtMs = core.clock.monotonicMs()
  const asking = core.claims.make({ key, connection, worker, askedAtMs, endsAtMs: askedAtMs + waitMs })
  const found = core.drained.has(worker.worker) ? 'none' : core.dispatcher.seek(asking)
  if (found === 'full') throw new JankinsError('E_TOO_MANY', { leases: core.leases.size })
  if (found === 'none') {
    if (core.dispatcher.parkedCount >= LIMITS.claimsParkedMax.value)
      throw new JankinsError('E_TOO_MANY', { claims: core.dispatcher.parkedCount })
    park(core, asking)
  }
  return asking.answer
}

/** See Writer.cancelClaim. */
export function cancelClaim(core: Core, connection: ConnectionId, id: ClaimId): void {
  for (const open of core.claims.openOf(connection))
    if (open.key === claimKey(open.worker.instance, id)) giveUp(core, open)
}

/**
 * Nobody listens to the claims of this connection any more. An offer that was made stays until it lapses: its worker
 * may connect again, repeat the claim and get the same grant.
 */
export function dropClaims(core: Core, connection: ConnectionId): void {
  for (const open of core.claims.openOf(connection)) giveUp(core, open)
}

/** Whether a parked claim may be given a job: its worker is not drained, and asked or beat just now. */
export function mayTake(core: Core, { askedAtMs, worker }: Claim): boolean {
  if (core.drained.has(worker.worker)) return false
  const nowMs = core.clock.monotonicMs()
  return nowMs - askedAtMs <= SUSPECT_MS || nowMs - core.workers.beat(worker).beatAtMs <= SUSPECT_MS
}

/** Offers a job to a claim, in memory; false when no slot is free for its lease. */
export function makeOffer(core: Core, to: Claim, queue: QueueId, head: Head): boolean {
  const nowMs = core.clock.monotonicMs()
  const slot = core.leaseSlots.open(nowMs)
  if (!slot) return false
  const lease = parseLeaseId(core.random(16))
  assert(lease, 'a lease is 32 hex digits')
  const offer: Offer = { lease, queue, head, slot, claim: to, lapsesAtMs: nowMs + LIMITS.grantMs.value, sinceMs: nowMs }
  core.offers.add(offer)
  core.claims.add(to)
  void answerWith(core, offer)
  return true
}

/** An offer ends without a lease: its job waits again, or is not PENDING any more. */
export function giveBack(core: Core, offer: Offer, job: 'PENDING' | 'gone'): void {
  if (!core.offers.remove(offer)) return
  core.claims.forget(offer.claim)
  core.leaseSlots.close(offer.slot)
  if (job === 'PENDING') core.dispatcher.returned(offer.queue, offer.head)
  else core.dispatcher.withdrawn(offer.queue, offer.head.job)
  core.dispatcher.leaseFreed()
}

/** Called when the time of an offer is over. */
export function lapse(core: Core, offer: Offer): void {
  if (offer.isTaken) {
    core.offers.remove(offer)
    core.claims.forget(offer.claim)
    return
  }
  core.log.info('a grant was not acknowledged', { job: offer.head.job, worker: offer.claim.worker.worker })
  giveBack(core, offer, 'PENDING')
}

async function answerWith(core: Core, offer: Offer): Promise<void> {
  const { head, queue, claim: asking } = offer
  let read: ReadGrant | undefined
  let failure: unknown
  try {
    read = await readGrant(core.store, head.job, offer.lease)
  } catch (error) {
    failure = error
  }
  const isOpen = core.offers.get(offer.lease) === offer
  if (isOpen && read) {
    core.aside.forget(head.job)
    offer.order = read.order
    core.claims.answer(asking, read.grant)
    core.metrics.observe('dispatch', core.clock.monotonicMs() - offer.sinceMs)
    return
  }
  if (isOpen) {
    core.log.error(
      'a job cannot be granted and is set aside',
      { job: head.job, queue, reason: reasonOf(failure) },
      failure,
    )
    core.offers.remove(offer)
    core.leaseSlots.close(offer.slot)
    core.aside.add(queue, head, core.clock.monotonicMs())
    core.dispatcher.setAside(queue, head.job)
    core.dispatcher.leaseFreed()
  }
  seekAgain(core, asking)
}

const reasonOf = (failure: unknown): string | number =>
  failure instanceof JankinsError && failure.code === 'E_JOB_DAMAGED'
    ? (failure.detail.reason ?? failure.code)
    : String(failure)

/** The job that the claim was to get cannot be had: another one, or the claim's old place. */
function seekAgain(core: Core, asking: Claim): void {
  if (asking.isOver) core.claims.answer(asking, undefined)
  else if (core.drained.has(asking.worker.worker) || core.dispatcher.seek(asking) !== 'offered') park(core, asking)
}

function park(core: Core, asking: Claim): void {
  core.claims.add(asking)
  core.dispatcher.park(asking)
  asking.timer?.cancel()
  const leftMs = asking.endsAtMs - core.clock.monotonicMs()
  if (leftMs > 0) {
    asking.timer = core.clock.after(leftMs, () => giveUp(core, asking), { background: true })
    return
  }
  // Asked without patience: the rows that are just being read may still have something for it.
  const reads = core.dispatcher.readsDone()
  if (reads !== undefined) void reads.then(() => giveUp(core, asking))
  else giveUp(core, asking)
}

/** No longer parked; a grant that is under way is still its answer. */
function giveUp(core: Core, asking: Claim): void {
  asking.isOver = true
  if (core.dispatcher.unpark(asking)) core.claims.answer(asking, undefined)
}
