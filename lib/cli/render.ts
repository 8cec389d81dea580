import type { JobStateName } from '../../protocol/fields.js'
import type { Result } from '../../protocol/methods.js'
import type { ActionView, Definition, JobView, UserView, WorkerView } from '../../protocol/views.js'
import { formatDuration, formatSize } from '../base/units.js'
import { type Colour, type Column, renderFacts, renderTable, type Style } from './table.js'
import { formatAgo, formatBytes, formatCommand, formatElapsed, formatTime } from './text.js'

/** Values of the wire to text for people. All pure: the time is a parameter. */

const STATE_COLOURS: Readonly<Record<JobStateName, Colour>> = {
  PENDING: 'grey',
  RUNNING: 'blue',
  COMPLETE: 'green',
  TIMEOUT: 'red',
  CANCELLED: 'yellow',
}

/** A job that ran to its end and failed is as red as one that never got there. */
const stateColour = (job: JobView): Colour =>
  job.state === 'COMPLETE' && job.exitCode !== 0 ? 'red' : STATE_COLOURS[job.state]

/** One page of jobs; only the first has titles. */
export function renderJobs(jobs: readonly JobView[], nowMs: number, style: Style, isFirst: boolean): string {
  const columns: readonly Column<JobView>[] = [
    { title: 'JOB', align: 'right', widthMin: 6, text: job => String(job.job) },
    { title: 'STATE', widthMin: 9, text: job => job.state, colour: stateColour },
    { title: 'EXIT', align: 'right', text: exitOf },
    { title: 'ACTION', widthMin: 14, text: job => job.action ?? '-' },
    { title: 'USER', widthMin: 8, text: job => job.user },
    { title: 'WORKER', widthMin: 10, text: job => job.worker ?? '-' },
    { title: 'QUEUED', align: 'right', widthMin: 8, text: job => formatAgo(job.queuedAtMs, nowMs) },
    { title: 'TOOK', align: 'right', widthMin: 7, text: job => tookOf(job, nowMs) },
    { title: 'REASON', text: job => job.reason ?? '' },
  ]
  return renderTable(columns, jobs, style, isFirst)
}

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

export function renderActions(actions: readonly ActionView[], style: Style, isFirst: boolean): string {
  const columns: readonly Column<ActionView>[] = [
    { title: 'ACTION', widthMin: 16, text: action => action.action },
    {
      title: 'ACTIVE',
      text: action => (action.active ? 'yes' : 'no'),
      colour: action => (action.active ? 'green' : 'yellow'),
    },
    { title: 'PRIORITY', align: 'right', text: action => String(action.priority ?? 0) },
    { title: 'LABELS', widthMin: 10, text: action => someOf(action.labels) ?? '-' },
    { title: 'COMMAND', text: runOf },
  ]
  return renderTable(columns, actions, style, isFirst)
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
    ...(action.artifacts ?? []).map(glob => ['artifact', glob] as const),
    ['stderr', action.stderr],
    ['log limit', action.logLimitBytes === undefined ? undefined : formatSize(action.logLimitBytes)],
    ['on log limit', action.onLogLimit],
  ])
}

export function renderUsers(users: readonly UserView[], nowMs: number, style: Style, isFirst: boolean): string {
  const columns: readonly Column<UserView>[] = [
    { title: 'USER', widthMin: 16, text: user => user.user },
    { title: 'ROLE', widthMin: 6, text: user => user.role },
    { title: 'ACTIVE', text: user => (user.active ? 'yes' : 'no'), colour: user => (user.active ? 'green' : 'yellow') },
    { title: 'EXEC', text: user => (user.mayExec || user.role === 'admin' ? 'yes' : 'no') },
    { title: 'CREATED', text: user => formatAgo(user.createdAtMs, nowMs) },
  ]
  return renderTable(columns, users, style, isFirst)
}

const LIVENESS_COLOURS = { alive: 'green', suspect: 'yellow', lost: 'red' } as const

export function renderWorkers(workers: readonly WorkerView[], nowMs: number, style: Style, isFirst: boolean): string {
  const columns: readonly Column<WorkerView>[] = [
    { title: 'WORKER', widthMin: 16, text: worker => worker.worker },
    { title: 'USER', widthMin: 8, text: worker => worker.user },
    {
      title: 'STATE',
      widthMin: 7,
      text: worker => worker.liveness,
      colour: worker => LIVENESS_COLOURS[worker.liveness],
    },
    { title: 'FREE', align: 'right', text: worker => `${worker.free}/${worker.slots}` },
    { title: 'LOAD', align: 'right', text: worker => worker.load.toFixed(2) },
    { title: 'BEAT', align: 'right', text: worker => formatAgo(worker.beatAtMs, nowMs) },
    { title: 'VERSION', text: worker => worker.version },
    { title: 'LABELS', widthMin: 10, text: worker => someOf(worker.labels) ?? '-' },
    { title: 'JOBS', text: worker => worker.jobs.join(' ') },
  ]
  return renderTable(columns, workers, style, isFirst)
}

export function renderStatus(status: Result<'server.status'>): string {
  return renderFacts([
    ['version', status.version],
    ['up', formatElapsed(status.nowMs - status.startedAtMs)],
    ['pending', String(status.pending)],
    ['running', String(status.running)],
    ['workers', String(status.workers)],
    ['waiting workers', String(status.claimsParked)],
    ['connections', String(status.connections)],
    ['by thread', status.threads.map(({ thread, connections }) => `${thread}: ${connections}`).join(', ') || '-'],
    ['memory', formatBytes(status.memoryBytes)],
  ])
}

const exitOf = (job: JobView): string => job.exitCode?.toString() ?? job.signal?.replace('SIG', '') ?? '-'

const tookOf = (job: JobView, nowMs: number): string =>
  job.startedAtMs === undefined ? '-' : formatElapsed((job.endedAtMs ?? nowMs) - job.startedAtMs)

const runOf = ({ command, script }: Definition): string => (command ? formatCommand(command) : (script ?? ''))

const someOf = (names: readonly string[] | undefined): string | undefined =>
  names === undefined || names.length === 0 ? undefined : names.join(',')

const timeOf = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : formatDuration(ms))
