import type { JobSignal, JobStateName, Reason, TreeLayer, Usage } from '../../protocol/fields.js'
import type { JobId } from '../../protocol/ids.js'
import type { Ending, ShellEnd } from './ports.js'

export interface JobEnd extends Outcome {
  readonly job: JobId
  readonly state: JobStateName
}

/** How an attempt ended, apart from its log and artifacts. */
export interface Outcome extends Usage {
  readonly exitCode?: number
  readonly signal?: JobSignal
  readonly reason?: Reason
  readonly treeLayer?: TreeLayer
  /** Of its shell. */
  readonly pid?: number
}

export function outcomeOf(
  end: ShellEnd,
  ending: Ending | undefined,
  treeLayer: TreeLayer | undefined,
  usage: Usage = {},
): Outcome {
  const reason = ending?.reason ?? (end.notStarted ? 'not-started' : end.exitCode === undefined ? 'killed' : undefined)
  return {
    ...(end.exitCode !== undefined && { exitCode: end.exitCode }),
    ...(ending && { signal: ending.signal }),
    ...(reason && { reason }),
    ...(treeLayer && { treeLayer }),
    ...usage,
  }
}
