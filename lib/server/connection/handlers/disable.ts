import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'

export const disableAction = (params: Params<'action.disable'>, call: Call): Promise<Result<'action.disable'>> =>
  call.services.writer.setActionActive(params.action, false)
