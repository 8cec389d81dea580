import { JankinsError } from '../../../protocol/errors.js'
import type { JobId } from '../../../protocol/ids.js'
import { HEARTBEAT_MS, LIMITS } from '../../../protocol/limits.js'
import type { Timer } from '../../base/clock.js'
import { REAPER } from '../slots.js'
import type { Core } from './core.js'
import { takeHome } from './holding.js'
import { createKeySweep } from './key-sweep.js'
import type { Lease } from './leases.js'
import { dropLease, settle } from './settle.js'

/** How often the times of beats are written for people, and how many of them in one write. */
const NOTE_MS = 5_000
const NOTES_MAX = 500

/**
 * Looks at all leases twice a second: those whose last beat is older than the lease and its margin end here, and
 * nowhere else. What else has to be looked after from time to time goes along.
 */
export function startReaper(core: Core): { stop(): void } {
  let timer: Timer
  const sweepKeys = createKeySweep(core)
  const tick = (): void => {
    timer = core.clock.after(HEARTBEAT_MS, tick, { background: true })
    const nowMs = core.clock.monotonicMs()
    reap(core, nowMs)
    for (const { queue, head } of core.aside.takeDue(nowMs)) core.dispatcher.restored(queue, head)
    core.dispatcher.pass()
    core.workers.forgetLost()
    sweepKeys(nowMs)
  }
  timer = core.clock.after(HEARTBEAT_MS, tick, { background: true })
  return { stop: () => timer.cancel() }
}

function reap(core: Core, nowMs: number): void {
  const notes: [JobId, number][] = []
  const wallMs = core.clock.nowMs() - nowMs
  for (const held of core.leases.all()) {
    if (held.isEnding) continue
    const isCutOff = held.endsAtMs !== undefined && nowMs >= held.endsAtMs
    if (core.leaseSlots.expire(held.slot, nowMs, isCutOff ? -1 : held.leaseMs + LIMITS.leaseMarginMs.value)) {
      // What is being written to its parts just now is let through: the end is tried again at the next tick.
      if (!core.leaseSlots.lockParts(held.slot, REAPER)) continue
      held.isEnding = true
      void endLease(core, held)
      continue
    }
    const beatAtMs = core.leaseSlots.beatAtMs(held.slot, nowMs)
    if (beatAtMs - held.notedAtMs < NOTE_MS || notes.length >= NOTES_MAX) continue
    held.notedAtMs = beatAtMs
    notes.push([held.job, Math.max(0, Math.round(wallMs + beatAtMs))])
  }
  if (notes.length === 0) return
  core.store.noteBeats(notes).catch(error => core.log.warn('beats were not noted', { reason: String(error) }))
}

/** The slot stays expired, whatever happens here: a write that fails is tried again at the next tick. */
async function endLease(core: Core, held: Lease): Promise<void> {
  const { job, attempt } = held
  try {
    const logBytes = await endParts(core, held)
    if (held.home !== core.home) await takeHome(core, held)
    const event = { kind: 'expired', home: core.home, attempt, atMs: Math.round(core.clock.nowMs()), logBytes } as const
    const change = await core.store.applyEvent(job, event)
    core.log.warn('a lease is over', { job, attempt, worker: held.worker, state: change.after.state.kind })
    core.metrics.count('leaseExpired')
    settle(core, job, change)
  } catch (error) {
    if (error instanceof JankinsError && (error.code === 'E_LEASE_LOST' || error.code === 'E_JOB_NOT_FOUND'))
      dropLease(core, held)
    else core.log.error('the end of a lease could not be written', { job, attempt }, error)
  } finally {
    held.isEnding = false
    core.leaseSlots.unlockParts(held.slot, REAPER)
  }
}

/** What came of the log stays, also after a power loss: its end cuts nothing that was shown to somebody. */
async function endParts(core: Core, { job, attempt }: Lease): Promise<number> {
  try {
    return await core.endParts(job, attempt)
  } catch (error) {
    core.log.warn('the log of a lost attempt may not be durable, and its length is not known', {
      job,
      attempt,
      reason: String(error),
    })
    return 0
  }
}
