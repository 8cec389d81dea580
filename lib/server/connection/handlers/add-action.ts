import type { Params, Result } from '../../../../protocol/methods.js'
import { completeDefinition } from '../../../domain/action.js'
import type { Call } from '../call.js'

export async function addAction(params: Params<'action.add'>, call: Call): Promise<Result<'action.add'>> {
  const { action, replace = false, ...definition } = params
  return call.services.writer.addAction(action, completeDefinition(definition), replace)
}
