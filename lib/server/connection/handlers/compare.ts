import type { Params, Result } from '../../../../protocol/methods.js'
import { completeDefinition, differingFields } from '../../../domain/action.js'
import type { Call } from '../call.js'

export async function compareAction(params: Params<'action.compare'>, call: Call): Promise<Result<'action.compare'>> {
  const { action, ...definition } = params
  const wanted = completeDefinition(definition)
  const stored = await call.services.store.findAction(action)
  if (!stored) return { exists: false, differs: differingFields({}, wanted) }
  return { exists: true, active: stored.active, differs: differingFields(stored, wanted) }
}
