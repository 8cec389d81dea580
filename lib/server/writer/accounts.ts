import type { Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { Core } from './core.js'
import { requestStop, settle } from './settle.js'
import type { Writer } from './writer.js'

/** What changes accounts; the contracts are those of Writer. */
export const accounts = (
  core: Core,
): Pick<
  Writer,
  'addUser' | 'setPassword' | 'setUserState' | 'addInvite' | 'revokeInvite' | 'register' | 'onSessionsEnd'
> => ({
  addUser: (...args) => core.store.addUser(...args),
  async setPassword(user, credential, ending) {
    await core.store.setPassword(user, credential)
    if (ending) core.shutOut.tell({ user, code: 'E_NOT_AUTHENTICATED', ...ending })
  },
  setUserState: (user, state) => setUserState(core, user, state),
  addInvite: invite => core.store.addInvite(invite),
  revokeInvite: (invite, nowMs) => core.store.revokeInvite(invite, nowMs),
  register: (registration, nowMs) => core.store.register(registration, nowMs),
  onSessionsEnd: tell => core.shutOut.listen(tell),
})

async function setUserState(
  core: Core,
  user: Name,
  state: 'active' | 'disabled' | 'deleted',
): Promise<{ changed: boolean }> {
  const wasShutOut = core.shutOut.has(user)
  // Ahead of the write: what is acknowledged behind it would run on, because only what runs by then is stopped.
  if (state !== 'active') core.shutOut.add(user)
  try {
    const { changed, stopped } = await core.store.setUserState(user, state, Math.round(core.clock.nowMs()))
    for (const { job, ...change } of stopped) {
      settle(core, job, change)
      requestStop(core, job)
      endSoon(core, job)
    }
    if (state === 'active') core.shutOut.delete(user)
    else if (changed) core.shutOut.tell({ user, code: 'E_DISABLED' })
    return { changed }
  } catch (error) {
    if (!wasShutOut) core.shutOut.delete(user)
    throw error
  }
}

/** A worker that is there hears at once that its jobs must end, and can say no more about it. Others have their lease. */
function endSoon(core: Core, job: Parameters<typeof requestStop>[1]): void {
  const held = core.leases.get(job)
  if (held?.worker !== undefined && core.workers.isReachable(held.worker))
    held.endsAtMs = core.clock.monotonicMs() + LIMITS.leaseMarginMs.value
}
