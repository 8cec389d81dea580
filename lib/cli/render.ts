import type { JobId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Result } from '../../protocol/methods.js'
import type { ActionView, JobView } from '../../protocol/views.js'
import { formatBytes, formatDuration, formatSize } from '../base/units.js'
import { renderFacts } from './table.js'
import { someOf, tookOf } from './tables.js'
import { formatAgo, formatCommand, formatElapsed, formatTime } from './text.js'

/** Values of the wire to text for people. All pure: the time is a parameter. */

/** Everything about one job. */
export function renderJob(job: JobView, nowMs: number): string {
  const time = (atMs: number | undefined): string | undefined =>
    atMs === undefined ? undefined : `${formatTime(atMs)} (${formatAgo(atMs, nowMs)})`
  return renderFacts([
    ['job', String(job.job)],
    ['action', job.action],
    ['state', job.state],
    ['reason', job.reason],
    ['set aside', job.aside && `${job.aside}; stop the job, or mend its action`],
    ['exit code', job.exitCode?.toString()],
    ['signal', job.signal],
    ['user', job.user],
    ['worker', job.worker],
    ['worker user', job.workerUser],
    ['pid', job.pid?.toString()],
    ['attempt', String(job.attempt)],
    ['retry of', job.retryOf?.toString()],
    ['priority', String(job.priority)],
    ['labels', someOf(job.labels)],
    ['queued', time(job.queuedAtMs)],
    ['started', time(job.startedAtMs)],
    ['ended', time(job.endedAtMs)],
    ['took', job.startedAtMs === undefined ? undefined : tookOf(job, nowMs)],
    ['last beat', job.state === 'RUNNING' ? time(job.heartbeatAtMs) : undefined],
    ['stop requested', time(job.stopRequestedAtMs)],
    ['command', job.command && formatCommand(job.command)],
    ['script', job.script],
    ['dir', job.dir],
    ...job.parameters.map(([key, value]) => ['parameter', `${key}=${value}`] as const),
    ['files', job.bundle],
    ['log', formatBytes(job.logBytes)],
    ['pinned', job.pinned ? 'yes' : undefined],
    ['log and artifacts removed', time(job.prunedAtMs)],
    ['artifacts', job.artifactBytes === 0 ? undefined : formatBytes(job.artifactBytes)],
    ['cpu', cpuOf(job)],
    ['memory', job.memoryPeakBytes === undefined ? undefined : `${formatBytes(job.memoryPeakBytes)} at most`],
    ['processes ended by', job.treeLayer],
  ])
}

function cpuOf({ cpuUserMs, cpuSystemMs }: JobView): string | undefined {
  if (cpuUserMs === undefined || cpuSystemMs === undefined) return undefined
  return `${formatElapsed(cpuUserMs)} user, ${formatElapsed(cpuSystemMs)} system`
}

/** What is waited for, in one line; `view` is missing before the first answer. */
export function renderWait(job: JobId, view: JobView | undefined): string {
  const where = view?.state === 'RUNNING' && view.worker !== undefined ? ` on ${view.worker}` : ''
  return `waiting for job ${job}${view === undefined ? '' : `: ${view.state}${where}`}`
}

/** How a job ended, in one line. */
export function renderEnd(job: JobView): string {
  const facts = [
    job.exitCode === undefined ? undefined : `exit code ${job.exitCode}`,
    job.signal,
    job.reason,
    job.startedAtMs === undefined || job.endedAtMs === undefined
      ? undefined
      : `after ${formatElapsed(job.endedAtMs - job.startedAtMs)}`,
  ].filter(fact => fact !== undefined)
  return `job ${job.job} ${job.state}${facts.length === 0 ? '' : `: ${facts.join(', ')}`}`
}

/** Everything about one action. */
export function renderAction(action: ActionView): string {
  return renderFacts([
    ['action', action.action],
    ['active', action.active ? 'yes' : 'no'],
    ['command', action.command && formatCommand(action.command)],
    ['script', action.script],
    ['dir', action.dir],
    ...(action.environment ?? []).map(([key, value]) => ['env', `${key}=${value}`] as const),
    ['labels', someOf(action.labels)],
    ['priority', action.priority?.toString()],
    ['timeout', timeOf(action.timeLimitMs)],
    ['lease', timeOf(action.leaseMs)],
    ['grace', timeOf(action.graceMs)],
    ['retries', action.retries?.toString()],
    ['max running', action.runningMax?.toString()],
    ['allow', someOf(action.allow)],
    ...(action.artifacts ?? []).map(glob => ['artifact', glob] as const),
    ['stderr', action.stderr],
    ['log limit', action.logLimitBytes === undefined ? undefined : formatSize(action.logLimitBytes)],
    ['on log limit', action.onLogLimit],
  ])
}

/** What an action has beside its definition; stands under it. */
export const renderActionFacts = (facts: Omit<Result<'action.show'>, 'action'>, nowMs: number): string =>
  renderFacts([
    ['pending', facts.pending >= LIMITS.pageVisitedMax.value ? `${facts.pending} or more` : String(facts.pending)],
    ['running', String(facts.running)],
    ['created', `${formatTime(facts.createdAtMs)} (${formatAgo(facts.createdAtMs, nowMs)})`],
  ])

export function renderStatus(status: Result<'server.status'>): string {
  return renderFacts([
    ['version', status.version],
    ['up', formatElapsed(status.nowMs - status.startedAtMs)],
    ['pending', String(status.pending)],
    ['running', String(status.running)],
    ['workers', `${status.workers}${status.workersSuspect ? `, ${status.workersSuspect} suspect` : ''}`],
    ['waiting workers', String(status.claimsParked)],
    ['connections', String(status.connections)],
    ['by thread', status.threads.map(({ thread, connections }) => `${thread}: ${connections}`).join(', ') || '-'],
    ...renderSoFar(status),
    ['logs', bytesInAndOut(status.logReceivedBytes, status.logSentBytes)],
    ['artifacts', bytesInAndOut(status.artifactReceivedBytes, status.artifactSentBytes)],
    ['queue wait', quantiles(status.queueWaitP50Ms, status.queueWaitP99Ms)],
    ['dispatch', quantiles(status.dispatchP50Ms, status.dispatchP99Ms)],
    ['commit', quantiles(status.commitP50Ms, status.commitP99Ms)],
    ['memory', formatBytes(status.memoryBytes)],
  ])
}

/** Since the start; an older daemon does not tell it. */
function renderSoFar(status: Result<'server.status'>): (readonly [string, string])[] {
  const { jobsQueued, jobsEnded, connectionsAccepted, connectionsRefused, loginsFailed } = status
  if (jobsQueued === undefined) return []
  return [
    ['jobs so far', `${jobsQueued} queued, ${jobsEnded} ended`],
    ['let in so far', `${connectionsAccepted}, ${connectionsRefused} turned away, ${loginsFailed} failed logins`],
  ]
}

const bytesInAndOut = (received: number | undefined, sent: number | undefined): string | undefined =>
  received === undefined || sent === undefined
    ? undefined
    : `${formatBytes(received)} received, ${formatBytes(sent)} sent`

/** Estimates, so two digits are enough. */
const quantiles = (p50Ms: number | undefined, p99Ms: number | undefined): string | undefined =>
  p50Ms === undefined || p99Ms === undefined ? undefined : `p50 ${roughly(p50Ms)}, p99 ${roughly(p99Ms)}`

const roughly = (ms: number): string => (ms < 1_000 ? `${Number(ms.toPrecision(2))}ms` : formatElapsed(ms))

const timeOf = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : formatDuration(ms))
