import { LIMITS } from '../../../protocol/limits.js'
import type { Core } from './core.js'

/** How often request keys are looked at that may be old enough, and at most how many jobs each time. */
const SWEEP_MS = 60_000
const ROWS_MAX = 128

/**
 * Forgets the request keys of yesterday. Called by the reaper at each of its ticks: while there is more to forget every
 * tick does a little, 22 million jobs a day, so that no commit gets long by it.
 */
export function createKeySweep(core: Core): (nowMs: number) => void {
  let dueAtMs = core.clock.monotonicMs()
  let isSweeping: boolean = false

  async function sweep(): Promise<void> {
    try {
      const { more } = await core.store.forgetRequestKeys(core.clock.nowMs() - LIMITS.requestKeyMs.value, ROWS_MAX)
      if (!more) dueAtMs = core.clock.monotonicMs() + SWEEP_MS
    } catch (error) {
      dueAtMs = core.clock.monotonicMs() + SWEEP_MS
      core.log.warn('old request keys were not forgotten', { reason: String(error) })
    } finally {
      isSweeping = false
    }
  }

  return nowMs => {
    if (isSweeping || nowMs < dueAtMs) return
    isSweeping = true
    void sweep()
  }
}
