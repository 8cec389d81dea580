import { JankinsError } from '../../../protocol/errors.js'
import type { JobId, LeaseId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { End } from '../../domain/job.js'
import type { JobOrder } from '../../store/store.js'
import { giveBack } from './claiming.js'
import type { Core } from './core.js'
import { type Lease, termsOf } from './leases.js'
import type { Offer } from './offers.js'
import { settle } from './settle.js'
import type { WorkerEntry } from './workers.js'
import type { ConnectionId, HeldLease, Writer } from './writer.js'

/** What a worker may do with an offer and with a lease; the contracts are those of Writer. */
export const holding = (
  core: Core,
): Pick<
  Writer,
  'acknowledge' | 'acknowledgePlain' | 'decline' | 'resume' | 'started' | 'noteDurableLengths' | 'finish'
> => ({
  acknowledge: (connection, job, lease) => acknowledge(core, connection, job, lease),
  async acknowledgePlain(connection, job, lease) {
    const offer = core.offers.get(lease)
    if (!offer || offer.isTaken || core.dispatcher.factsOf(offer.queue).queue.hasSecrets) return undefined
    return acknowledge(core, connection, job, lease)
  },
  async decline(connection, job, lease) {
    const worker = core.workers.of(connection)
    if (core.declined.has(lease, job, worker.worker)) return
    const offer = openOffer(core, worker, job, lease)
    if (offer.taking !== undefined) throw new JankinsError('E_LEASE_LOST', { job })
    core.declined.add(offer)
    giveBack(core, offer, 'PENDING')
  },
  resume: (_connection, job, lease) => resume(core, job, lease),
  async started(job, lease, pid) {
    await core.store.applyEvent(job, { kind: 'started', lease, pid })
  },
  async noteDurableLengths(job, attempt) {
    const held = core.leases.get(job)
    if (held?.attempt !== attempt) return
    const { stdout, stderr } = core.leaseSlots.durable(held.slot)
    await core.store.noteDurableLengths(job, attempt, stdout, stderr)
  },
  finish: (job, lease, end, pid) => finish(core, job, lease, end, pid),
})

async function acknowledge(core: Core, connection: ConnectionId, job: JobId, lease: LeaseId): Promise<HeldLease> {
  const worker = core.workers.of(connection)
  if (core.shutOut.has(worker.user)) throw new JankinsError('E_LEASE_LOST', { job })
  if (core.leases.get(job)?.lease === lease) return resume(core, job, lease)
  const offer = openOffer(core, worker, job, lease)
  if (!offer.order) throw new JankinsError('E_LEASE_LOST', { job })
  offer.taking ??= take(core, offer, offer.order, worker)
  return offer.taking
}

/** By name, not by connection: a worker that connected again takes what it was given before. */
function openOffer(core: Core, worker: WorkerEntry, job: JobId, lease: LeaseId): Offer {
  const offer = core.offers.get(lease)
  if (!offer || offer.isTaken || offer.head.job !== job || offer.claim.worker.worker !== worker.worker)
    throw new JankinsError('E_LEASE_LOST', { job })
  return offer
}

async function take(core: Core, offer: Offer, order: JobOrder, worker: WorkerEntry): Promise<HeldLease> {
  const { lease, queue, slot } = offer
  const { job } = offer.head
  const run = { worker: worker.worker, workerUser: worker.user, startedAtMs: Math.round(core.clock.nowMs()) }
  const event = { kind: 'acknowledged', lease, attempt: order.attempt, home: core.home, run } as const
  const change = await core.store.applyEvent(job, event, order.version).catch(async (error: unknown) => {
    await notTaken(core, offer, error)
    throw error
  })
  offer.taking = undefined
  core.offers.taken(offer)
  const nowMs = core.clock.monotonicMs()
  core.leaseSlots.beat(slot, nowMs)
  const { state } = change.after
  const held: Lease = {
    job,
    lease,
    attempt: order.attempt,
    queue,
    slot,
    leaseMs: order.definition.leaseMs,
    home: core.home,
    worker: worker.worker,
    terms: termsOf(order),
    isEnding: false,
    notedAtMs: nowMs,
    isStopped: offer.isStopped === true || (state.kind === 'RUNNING' && state.stopRequestedAtMs !== undefined),
  }
  core.leases.add(held)
  core.dispatcher.taken(queue, job)
  if (held.isStopped) core.leaseSlots.requestStop(slot)
  if (order.attempt === 1) core.metrics.observe('queueWait', run.startedAtMs - order.queuedAtMs)
  settle(core, job, change)
  return { isNew: true, ...heldLease(held) }
}

/** The offer stands until it lapses, unless the job is not PENDING any more. */
async function notTaken(core: Core, offer: Offer, error: unknown): Promise<void> {
  const { job } = offer.head
  let kind: string | undefined = 'PENDING'
  if (error instanceof JankinsError && (error.code === 'E_LEASE_LOST' || error.code === 'E_JOB_NOT_FOUND'))
    kind = await core.store.readJob(job).then(
      row => row?.state.kind,
      () => 'PENDING',
    )
  offer.taking = undefined
  if (kind !== 'PENDING') giveBack(core, offer, 'gone')
  else if (offer.lapsesAtMs <= core.clock.monotonicMs()) giveBack(core, offer, 'PENDING')
}

async function resume(core: Core, job: JobId, lease: LeaseId): Promise<HeldLease & { readonly stop: boolean }> {
  await core.offers.get(lease)?.taking
  const held = core.leases.get(job)
  const isHeld = (): boolean => core.leases.get(job) === held && held?.lease === lease && isLive(core, held)
  if (!held || !isHeld()) throw new JankinsError('E_LEASE_LOST', { job })
  await Promise.all([held.home !== core.home && moveHome(core, held), !held.terms && readTerms(core, held)])
  if (!isHeld()) throw new JankinsError('E_LEASE_LOST', { job })
  return { ...heldLease(held), stop: held.isStopped }
}

const isLive = (core: Core, held: Lease): boolean => core.leaseSlots.isLive(held.slot)

const heldLease = ({ slot, attempt, terms }: Lease): HeldLease => ({
  slot,
  attempt,
  logLimitBytes: terms?.logLimitBytes ?? LIMITS.logLimitBytesDefault.value,
  ...(terms?.bundle !== undefined && { bundle: terms.bundle }),
})

/** Not needed for the worker to go on: on a full disk the reaper does it later. */
async function moveHome(core: Core, held: Lease): Promise<void> {
  try {
    await takeHome(core, held)
  } catch (error) {
    if (error instanceof JankinsError && error.code === 'E_LEASE_LOST') throw error
    core.log.warn('a resumed lease keeps its former home for now', { job: held.job, reason: String(error) })
  }
}

/** The row names this start of the daemon as the one whose reaper may end the job. */
export async function takeHome(core: Core, held: Lease): Promise<void> {
  const event = { kind: 'resumed', lease: held.lease, home: core.home } as const
  await core.store.applyEvent(held.job, event)
  held.home = core.home
}

async function readTerms(core: Core, held: Lease): Promise<void> {
  try {
    const order = await core.store.readOrder(held.job)
    if (order) held.terms = termsOf(order)
  } catch (error) {
    core.log.error('the order of a running job cannot be read: its log limit is the default', { job: held.job }, error)
  }
}

async function finish(core: Core, job: JobId, lease: LeaseId, end: End, pid?: number): ReturnType<Writer['finish']> {
  const change = await core.store.applyEvent(job, { kind: 'finished', lease, end, ...(pid !== undefined && { pid }) })
  settle(core, job, change)
  return { state: change.after.state.kind }
}
