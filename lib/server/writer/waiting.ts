import { isFinished } from '../../domain/job.js'
import type { Core } from './core.js'
import type { Waiter } from './waiters.js'
import type { Writer } from './writer.js'

/** Parked requests of people; the contracts are those of Writer. */
export const waiting = (core: Core): Pick<Writer, 'waitForEnd' | 'waitForLog' | 'cancelWait' | 'logGrew'> => ({
  async waitForEnd(connection, job, waitMs, wait) {
    if (waitMs > 0) await waitForEnd(core, core.waiters.add(connection, job, 'end', waitMs, wait))
  },
  async waitForLog(connection, job, seenBytes, waitMs, wait) {
    if (waitMs > 0) await waitForLog(core, core.waiters.add(connection, job, 'log', waitMs, wait), seenBytes)
  },
  async cancelWait(connection, wait) {
    core.waiters.cancel(connection, wait)
  },
  async logGrew(job) {
    core.waiters.grew(job)
  },
})

/** A waiter is there before the job is looked at: an end in between wakes it. */
async function waitForEnd(core: Core, waiter: Waiter): Promise<void> {
  if (!core.leases.get(waiter.job)) await wakeIfEnded(core, waiter)
  await waiter.woken
}

async function waitForLog(core: Core, waiter: Waiter, seenBytes: number): Promise<void> {
  const held = core.leases.get(waiter.job)
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
