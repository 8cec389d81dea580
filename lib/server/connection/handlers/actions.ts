import { JankinsError } from '../../../../protocol/errors.js'
import { LIMITS } from '../../../../protocol/limits.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { pageBytes } from '../pages.js'

export async function listActions(params: Params<'action.list'>, call: Call): Promise<Result<'action.list'>> {
  const { store } = call.services
  if (params.action !== undefined) {
    await call.reserve(LIMITS.definitionBytesMax.value)
    const only = await store.findAction(params.action)
    if (!only) throw new JankinsError('E_ACTION_NOT_FOUND', { action: params.action })
    return { actions: [only] }
  }
  const { after, limit = LIMITS.pageRowsMax.value } = params
  await call.reserve(pageBytes(limit))
  return await store.listActions(after, limit)
}
