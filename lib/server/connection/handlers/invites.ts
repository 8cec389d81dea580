import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { pageBytes } from '../pages.js'

export async function addInvite(params: Params<'invite.add'>, call: Call): Promise<Result<'invite.add'>> {
  const { clock, writer } = call.services
  const { tokenSha256, role, holdsMs = LIMITS.inviteMsDefault.value } = params
  const createdAtMs = Math.round(clock.nowMs())
  const { user } = call.session.caller
  return await writer.addInvite({ tokenSha256, role, user, createdAtMs, expiresAtMs: createdAtMs + holdsMs })
}

export async function listInvites(params: Params<'invite.list'>, call: Call): Promise<Result<'invite.list'>> {
  const { after, limit = LIMITS.pageRowsMax.value } = params
  await call.reserve(pageBytes(limit))
  const { store, clock } = call.services
  return await store.listInvites(after, limit, clock.nowMs())
}

export const revokeInvite = (params: Params<'invite.revoke'>, call: Call): Promise<Result<'invite.revoke'>> =>
  call.services.writer.revokeInvite(params.invite, Math.round(call.services.clock.nowMs()))
