import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

export const enableAction = (params: Params<'action.enable'>, call: Call): Promise<Result<'action.enable'>> =>
  call.services.writer.setActionActive(params.action, true)
