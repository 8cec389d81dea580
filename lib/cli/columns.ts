/** What --columns may name, for each kind of table, in the order in which --wide shows them. */
export const JOB_COLUMNS = [
  ...(['job', 'state', 'exit', 'action', 'user', 'worker', 'queued', 'took', 'reason'] as const),
  ...(['started', 'ended', 'attempt', 'priority', 'labels', 'log', 'artifacts', 'cpu', 'memory'] as const),
  ...(['parameters', 'command'] as const),
] as const
export type JobColumn = (typeof JOB_COLUMNS)[number]

export const ACTION_COLUMNS = [
  ...(['action', 'active', 'priority', 'timeout', 'retries', 'running', 'labels', 'command'] as const),
] as const
export type ActionColumn = (typeof ACTION_COLUMNS)[number]

export const WORKER_COLUMNS = [
  ...(['worker', 'user', 'state', 'free', 'load', 'beat', 'attached', 'version', 'labels', 'jobs'] as const),
] as const
export type WorkerColumn = (typeof WORKER_COLUMNS)[number]

export const USER_COLUMNS = ['user', 'role', 'state', 'exec', 'created'] as const
export type UserColumn = (typeof USER_COLUMNS)[number]

export const INVITE_COLUMNS = ['id', 'role', 'state', 'maker', 'made', 'expires', 'usedBy'] as const
export type InviteColumn = (typeof INVITE_COLUMNS)[number]
