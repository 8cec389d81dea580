import { Buffer } from 'node:buffer'
import {
  NAME_FORM,
  parseClaimId,
  parseInstanceId,
  parseInviteId,
  parseInviteToken,
  parseJobId,
  parseLeaseId,
  parseName,
  parseSha256,
} from './ids.js'
import { LIMITS } from './limits.js'
import { choice, doc, int, list, opt, pair, text } from './schema.js'

/** The fields that several methods share: one meaning, unit and range for each word of the wire. */
const limit = (name: keyof typeof LIMITS): number => LIMITS[name].value
const INT_MAX = Number.MAX_SAFE_INTEGER
const HEX_32 = '32 lower-case hex digits'

export const jobId = doc('id of the job', int(1, INT_MAX, parseJobId))
export const leaseId = doc('fencing token of the lease', text(32, parseLeaseId, HEX_32))
export const claimId = doc('chosen by the worker; asked again, it gets the same grant', text(32, parseClaimId, HEX_32))
export const instanceId = doc('chosen by the worker process at its start', text(32, parseInstanceId, HEX_32))
export const inviteId = doc('id of the invitation', int(1, INT_MAX, parseInviteId))
export const inviteToken = doc('what jankins invite printed', text(32, parseInviteToken, HEX_32))
export const sha256 = doc('SHA-256, 64 lower-case hex digits', text(64, parseSha256, '64 lower-case hex digits'))
export const name = text(limit('nameBytesMax'), parseName, NAME_FORM)

export const timeMs = int(0, INT_MAX)
export const durationMs = int(0, INT_MAX)
export const byteCount = int(0, INT_MAX)
export const count = int(0, INT_MAX)
export const attempt = doc('counts from 1', int(1, 1_000_000))
export const priority = doc('higher runs first; 0 by default', int(-LIMITS.priorityMax.value, LIMITS.priorityMax.value))
export const requestKey = doc(
  'chosen by the client, unique per user: the same key again, within a day, answers with the same jobs',
  text(64, key => (key.length >= 8 ? key : undefined), '8 to 64 bytes'),
)
export const pageLimit = doc('most rows in the answer', int(1, limit('pageRowsMax')))
export const waitMs = doc('how long the request may stay parked, ms', int(0, limit('waitMsMax')))
export const chunkBytes = int(1, limit('chunkBytesMax'))

const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const environmentName = text(
  limit('environmentNameBytesMax'),
  s => (ENVIRONMENT_NAME.test(s) ? s : undefined),
  'letters, digits and _, not beginning with a digit',
)
export const environmentPair = pair(environmentName, text(limit('environmentValueBytesMax')))
export const secretName = text(
  limit('environmentNameBytesMax'),
  s => (ENVIRONMENT_NAME.test(s) && !s.startsWith('JANKINS_') ? s : undefined),
  'letters, digits and _, not beginning with a digit nor with JANKINS_',
)
/** Never shown: it goes from who sets it to the daemon, and from there to the worker of the job. */
export const secretValue = text(
  limit('secretBytesMax'),
  s => (Buffer.byteLength(s) >= limit('secretBytesMin') ? s : undefined),
  `at least ${limit('secretBytesMin')} bytes long: what is shorter cannot be masked in logs`,
)
/** Pairs, as of an environment. */
export const secrets = list(pair(secretName, secretValue), limit('secretsMax'))
/** Pairs, never a map: a later pair of the same name wins. */
export const environment = list(environmentPair, limit('environmentMax'))
export const labels = list(name, limit('labelsMax'))
export const argv = list(text(limit('commandBytesMax')), limit('commandArgsMax'))
export const script = text(limit('commandBytesMax'))
export const path = text(limit('pathBytesMax'))

export const ROLES = ['admin', 'user', 'worker', 'reader'] as const
export type Role = (typeof ROLES)[number]
export const role = choice(...ROLES)
/** Whom an invitation may make: an admin is made by an admin. */
export const INVITED_ROLES = ['worker', 'user', 'reader'] as const
export type InvitedRole = (typeof INVITED_ROLES)[number]
export const invitedRole = choice(...INVITED_ROLES)

/** `pending`: registered, and not yet approved. `deleted`: disabled for ever. */
export const USER_STATES = ['active', 'pending', 'disabled', 'deleted'] as const
export type UserState = (typeof USER_STATES)[number]
export const userState = choice(...USER_STATES)

export const INVITE_STATES = ['open', 'used', 'expired', 'revoked'] as const
export type InviteState = (typeof INVITE_STATES)[number]
export const inviteState = choice(...INVITE_STATES)

const ALLOWED = /^(role:(admin|user)|user:(.*))$/s
/** Whom an action lets queue its jobs: an account, or all of a role. */
export const allowed = text(
  limit('nameBytesMax') + 'user:'.length,
  s => {
    const [, , role, user] = ALLOWED.exec(s) ?? []
    return role !== undefined || (user !== undefined && parseName(user) !== undefined) ? s : undefined
  },
  'user:NAME, role:user or role:admin',
)

export const JOB_STATES = ['PENDING', 'RUNNING', 'COMPLETE', 'TIMEOUT', 'CANCELLED'] as const
export type JobStateName = (typeof JOB_STATES)[number]
export const jobState = choice(...JOB_STATES)

/**
 * Why a job is in its state, where the state alone does not say it.
 * `killed`: the job's shell vanished without a status and jankins did not do it. `worker-disabled`: the account of its
 * worker was disabled.
 */
export const REASONS = [
  'worker-lost',
  'time-limit',
  'stopped',
  'log-limit',
  'killed',
  'not-started',
  'worker-disabled',
] as const
export type Reason = (typeof REASONS)[number]
export const reason = choice(...REASONS)

export const SIGNALS = ['SIGTERM', 'SIGKILL'] as const
export type JobSignal = (typeof SIGNALS)[number]
export const signal = doc('sent by jankins; never set for a signal from elsewhere', choice(...SIGNALS))

export const STREAMS = ['stdout', 'stderr'] as const
export type Stream = (typeof STREAMS)[number]
/** What a worker ships at offsets: both streams of the log, and the zip of the artifacts. */
export const PARTS = ['stdout', 'stderr', 'artifacts'] as const
export type Part = (typeof PARTS)[number]

/** How the end of every process of a job was made sure of. */
export const TREE_LAYERS = ['cgroup', 'pid-namespace', 'cookie'] as const
export type TreeLayer = (typeof TREE_LAYERS)[number]
export const treeLayer = choice(...TREE_LAYERS)

/** What all processes of an attempt used together, as far as the worker's machine could tell. */
export const usage = {
  cpuUserMs: opt(doc('CPU time of the job in its own code', durationMs)),
  cpuSystemMs: opt(doc('CPU time of the job in the kernel', durationMs)),
  memoryPeakBytes: opt(doc('most memory of the job at once; sampled where there is no cgroup', byteCount)),
} as const
export interface Usage {
  readonly cpuUserMs?: number
  readonly cpuSystemMs?: number
  readonly memoryPeakBytes?: number
}
/** The members of a usage that are known, and nothing else. */
export const usageOf = ({ cpuUserMs, cpuSystemMs, memoryPeakBytes }: Usage): Usage => ({
  ...(cpuUserMs !== undefined && { cpuUserMs }),
  ...(cpuSystemMs !== undefined && { cpuSystemMs }),
  ...(memoryPeakBytes !== undefined && { memoryPeakBytes }),
})
