import type { JobId } from '../../../protocol/ids.js'
import { isFinished } from '../../domain/job.js'
import type { Core } from './core.js'
import type { Waiter } from './waiters.js'
import type { ConnectionId, Writer } from './writer.js'

/** Parked requests of people; the contracts are those of Writer. */
export const waiting = (core: Core): Pick<Writer, 'waitForEnd' | 'waitForLog' | 'logGrew'> => ({
  async waitForEnd(connection, job, waitMs) {
    if (waitMs > 0) await waitForEnd(core, connection, job, waitMs)
  },
  async waitForLog(connection, job, seenBytes, waitMs) {
    if (waitMs > 0) await waitForLog(core, connection, job, seenBytes, waitMs)
  },
  async logGrew(job) {
    core.waiters.grew(job)
  },
})

/** A waiter is there before the job is looked at: an end in between wakes it. */
async function waitForEnd(core: Core, connection: ConnectionId, job: JobId, waitMs: number): Promise<void> {
  const waiter = core.waiters.add(connection, job, 'end', waitMs)
  if (!core.leases.get(job)) await wakeIfEnded(core, waiter)
  await waiter.woken
}

async function waitForLog(
  core: Core,
  connection: ConnectionId,
  job: JobId,
  seenBytes: number,
  waitMs: number,
): Promise<void> {
  const waiter = core.waiters.add(connection, job, 'log', waitMs)
  const held = core.leases.get(job)
  if (held) {
    core.waiters.follow(waiter, held.slot)
    if (!core.leaseSlots.logIs(held.slot, seenBytes)) core.waiters.wake(waiter)
  } else await wakeIfEnded(core, waiter)
  await waiter.woken
}

async function wakeIfEnded(core: Core, waiter: Waiter): Promise<void> {
  try {
    const row = await core.store.readJob(waiter.job)
    if (!row || isFinished(row.state.kind)) core.waiters.wake(waiter)
  } catch (error) {
    core.waiters.wake(waiter)
    throw error
  }
}
