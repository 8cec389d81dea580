import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { setPinned } from './pin.js'

export const unpinJob = (params: Params<'job.unpin'>, call: Call): Promise<Result<'job.unpin'>> =>
  setPinned(params, call, false)
