import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { pageBytes } from '../pages.js'

export async function addUser(params: Params<'user.add'>, call: Call): Promise<Result<'user.add'>> {
  const { clock, writer } = call.services
  const { user, role, mayExec = false, ...credential } = params
  await writer.addUser(user, role, mayExec, credential, clock.nowMs())
  return {}
}

export async function listUsers(params: Params<'user.list'>, call: Call): Promise<Result<'user.list'>> {
  const { after, limit = LIMITS.pageRowsMax.value } = params
  await call.reserve(pageBytes(limit))
  return await call.services.store.listUsers(after, limit)
}

export const disableUser = (params: Params<'user.disable'>, call: Call): Promise<Result<'user.disable'>> =>
  call.services.writer.setUserState(params.user, 'disabled')

export const enableUser = (params: Params<'user.enable'>, call: Call): Promise<Result<'user.enable'>> =>
  call.services.writer.setUserState(params.user, 'active')

export const deleteUser = (params: Params<'user.delete'>, call: Call): Promise<Result<'user.delete'>> =>
  call.services.writer.setUserState(params.user, 'deleted')
