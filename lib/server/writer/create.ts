import { createRandomHex } from '../../base/random-hex.js'
import { accounts } from './accounts.js'
import { Aside } from './aside.js'
import { createAuditing } from './auditing.js'
import { cancelClaim, claim, dropClaims, lapse, makeOffer, mayTake } from './claiming.js'
import { Claims } from './claims.js'
import type { Core, WriterParts } from './core.js'
import { Declined } from './declined.js'
import { Dispatcher } from './dispatcher.js'
import { drainWorker } from './draining.js'
import { explainWait } from './explain.js'
import { holding } from './holding.js'
import { Leases } from './leases.js'
import { Offers } from './offers.js'
import { putQueue, queueing } from './queueing.js'
import { Queues } from './queues.js'
import { startReaper } from './reaper.js'
import { ShutOut } from './shut-out.js'
import { Waiters } from './waiters.js'
import { waiting } from './waiting.js'
import { Workers } from './workers.js'
import type { ConnectionId, NewWorker, Writer } from './writer.js'

/**
 * Builds the writer on a store: begins an epoch, gives every RUNNING job one full lease, reads the heads of all queues,
 * starts the reaper. `stop` ends its timers and answers what is parked; what is being written is written.
 */
export async function createWriter(
  parts: Omit<WriterParts, 'random'> & Partial<Pick<WriterParts, 'random'>>,
): Promise<Writer & { stop(): void }> {
  const core = await createCore({ random: createRandomHex(), ...parts })
  await core.dispatcher.readsDone()
  const reaper = startReaper(core)
  const auditing = createAuditing(core)
  const { store } = core
  return {
    ...accounts(core),
    noteRequest: auditing.noteRequest,
    noteRefusal: auditing.noteRefusal,
    setPinned: (...args) => store.setPinned(...args),
    ...queueing(core),
    ...holding(core),
    ...waiting(core),
    attach: async (connection, worker) => attach(core, connection, worker),
    claim: (connection, id, waitMs) => claim(core, connection, id, waitMs),
    cancelClaim: async (connection, id) => cancelClaim(core, connection, id),
    explainWait: job => explainWait(core, job),
    runningOf: async action => core.dispatcher.factsOf(core.queues.ofAction(action).id).running,
    drainWorker: (worker, isDrained, user, ofAny) => drainWorker(core, worker, isDrained, user, ofAny),
    listWorkers: async (after, limit) => core.workers.list(after, limit),
    counters: async () => ({
      pending: core.counts.pending,
      running: core.leases.size,
      workers: core.workers.attachedCount,
      liveness: core.workers.livenessCounts(),
      claimsParked: core.dispatcher.parkedCount,
    }),
    connectionClosed: async connection => connectionClosed(core, connection),
    stop() {
      reaper.stop()
      auditing.stop()
      core.offers.stop()
      for (const parked of core.claims.all()) dropClaims(core, parked.connection)
      core.waiters.stop()
    },
  }
}

async function createCore(parts: WriterParts): Promise<Core> {
  const { store, clock, leaseSlots } = parts
  const leases = new Leases()
  const core: Core = {
    ...parts,
    home: await store.beginEpoch(parts.daemon),
    dispatcher: new Dispatcher({
      offer: (seeker, queue, head) => makeOffer(core, seeker, queue, head),
      mayTake: seeker => mayTake(core, seeker),
      readHeads: (queue, after, limit) => store.readHeads(queue, after, limit),
      readFailed: (queue, error) => parts.log.error('the jobs of a queue could not be read', { queue }, error),
    }),
    queues: new Queues(store),
    claims: new Claims(),
    offers: new Offers(clock, offer => lapse(core, offer)),
    declined: new Declined(clock),
    aside: new Aside(),
    leases,
    workers: new Workers(parts.workerSlots, clock, {
      jobsOf: name => leases.jobsOf(name),
      holdsAny: name => leases.holdsAny(name),
      isDrained: name => core.drained.has(name),
    }),
    drained: new Set(await store.listDrainedWorkers()),
    waiters: new Waiters(clock, leaseSlots),
    shutOut: new ShutOut(),
    counts: { pending: 0 },
  }
  await readState(core)
  return core
}

/** What is RUNNING was given by an earlier start of the daemon: its workers get one full lease to come back. */
async function readState(core: Core): Promise<void> {
  const { queues, running, pending } = await core.store.readDispatchState()
  core.counts.pending = pending
  const runningOf = new Map<number, number>()
  const nowMs = core.clock.monotonicMs()
  for (const { stopRequested: isStopped, durableStdoutBytes, durableStderrBytes, fault, ...held } of running) {
    const { job, queue } = held
    if (fault !== undefined) core.log.error('the row of a running job is damaged', { job, reason: fault })
    const slot = core.leaseSlots.open(nowMs)
    if (!slot) throw new Error(`more than ${core.leases.size} jobs are RUNNING: there is no slot for job ${job}`)
    if (isStopped) core.leaseSlots.requestStop(slot)
    core.leaseSlots.noteDurable(slot, { stdout: durableStdoutBytes, stderr: durableStderrBytes })
    core.leases.add({ ...held, slot, isStopped, isEnding: false, notedAtMs: nowMs })
    runningOf.set(queue, (runningOf.get(queue) ?? 0) + 1)
  }
  for (const queue of queues) putQueue(core, queue, runningOf.get(queue.id) ?? 0)
}

function attach(core: Core, connection: ConnectionId, worker: NewWorker) {
  const known = core.workers.repeated(connection, worker)
  if (known) return known.slot
  const { entry, displaced } = core.workers.attach(connection, worker)
  dropClaims(core, connection)
  if (displaced !== undefined) dropClaims(core, displaced)
  return entry.slot
}

function connectionClosed(core: Core, connection: ConnectionId): void {
  dropClaims(core, connection)
  core.waiters.connectionClosed(connection)
  core.workers.detach(connection)
}
