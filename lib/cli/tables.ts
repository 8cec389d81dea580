import type { JobStateName } from '../../protocol/fields.js'
import type { ActionView, Definition, JobView, WorkerView } from '../../protocol/views.js'
import { formatBytes, formatDuration } from '../base/units.js'
import type { ActionColumn, JobColumn, WorkerColumn } from './columns.js'
import { type Colour, type Columns, renderTable, type Style } from './table.js'
import { formatAgo, formatCommand, formatElapsed, formatTime } from './text.js'

/** Lists of the wire as tables for people. All pure: the time, by the daemon's clock, is a parameter. */

const STATE_COLOURS: Readonly<Record<JobStateName, Colour>> = {
  PENDING: 'grey',
  RUNNING: 'blue',
  COMPLETE: 'green',
  TIMEOUT: 'red',
  CANCELLED: 'yellow',
}

/** A job that ran to its end and failed is as red as one that never got there. */
export const stateColour = (job: JobView): Colour =>
  job.state === 'COMPLETE' && job.exitCode !== 0 ? 'red' : STATE_COLOURS[job.state]

/** One page of jobs; only the first has titles. */
export function renderJobs(jobs: readonly JobView[], nowMs: number, style: Style, isFirst: boolean): string {
  const columns: Columns<JobView, JobColumn> = {
    job: { title: 'JOB', align: 'right', widthMin: 6, text: job => String(job.job) },
    state: { title: 'STATE', widthMin: 9, text: job => job.state, colour: stateColour },
    exit: { title: 'EXIT', align: 'right', text: exitOf },
    action: { title: 'ACTION', widthMin: 14, shrinkTo: 8, text: job => job.action ?? '-' },
    user: { title: 'USER', widthMin: 8, shrinkTo: 6, text: job => job.user },
    worker: { title: 'WORKER', widthMin: 10, shrinkTo: 8, text: job => job.worker ?? '-' },
    queued: { title: 'QUEUED', align: 'right', widthMin: 8, ...timeOf(nowMs, job => job.queuedAtMs) },
    took: { title: 'TOOK', align: 'right', widthMin: 7, text: job => tookOf(job, nowMs) },
    reason: { title: 'REASON', text: job => job.reason ?? '' },
    started: { title: 'STARTED', align: 'right', isExtra: true, ...timeOf(nowMs, job => job.startedAtMs) },
    ended: { title: 'ENDED', align: 'right', isExtra: true, ...timeOf(nowMs, job => job.endedAtMs) },
    attempt: { title: 'ATTEMPT', align: 'right', isExtra: true, text: job => String(job.attempt) },
    priority: { title: 'PRIORITY', align: 'right', isExtra: true, text: job => String(job.priority) },
    labels: { title: 'LABELS', isExtra: true, shrinkTo: 8, text: job => someOf(job.labels) ?? '-' },
    log: { title: 'LOG', align: 'right', isExtra: true, text: job => formatBytes(job.logBytes) },
    artifacts: { title: 'ARTIFACTS', align: 'right', isExtra: true, text: job => formatBytes(job.artifactBytes) },
    cpu: { title: 'CPU', align: 'right', isExtra: true, text: cpuOf },
    memory: {
      title: 'MEMORY',
      align: 'right',
      isExtra: true,
      text: job => (job.memoryPeakBytes === undefined ? '-' : formatBytes(job.memoryPeakBytes)),
    },
    parameters: {
      title: 'PARAMETERS',
      isExtra: true,
      shrinkTo: 10,
      text: job => formatCommand(job.parameters.map(([key, value]) => `${key}=${value}`)) || '-',
    },
    command: { title: 'COMMAND', isExtra: true, shrinkTo: 10, text: runOf },
  }
  return renderTable(columns, jobs, style, isFirst)
}

export function renderActions(actions: readonly ActionView[], style: Style, isFirst: boolean): string {
  const columns: Columns<ActionView, ActionColumn> = {
    action: { title: 'ACTION', widthMin: 16, shrinkTo: 12, text: action => action.action },
    active: {
      title: 'ACTIVE',
      text: action => (action.active ? 'yes' : 'no'),
      colour: action => (action.active ? 'green' : 'yellow'),
    },
    priority: { title: 'PRIORITY', align: 'right', text: action => String(action.priority ?? 0) },
    timeout: {
      title: 'TIMEOUT',
      align: 'right',
      isExtra: true,
      text: action => (action.timeLimitMs === undefined ? '-' : formatDuration(action.timeLimitMs)),
    },
    retries: { title: 'RETRIES', align: 'right', isExtra: true, text: action => String(action.retries ?? 0) },
    running: {
      title: 'MAX RUNNING',
      align: 'right',
      isExtra: true,
      text: action => action.runningMax?.toString() ?? '-',
    },
    labels: { title: 'LABELS', widthMin: 10, shrinkTo: 8, text: action => someOf(action.labels) ?? '-' },
    command: { title: 'COMMAND', text: runOf },
  }
  return renderTable(columns, actions, style, isFirst)
}

const LIVENESS_COLOURS = { alive: 'green', suspect: 'yellow', lost: 'red' } as const

export function renderWorkers(workers: readonly WorkerView[], nowMs: number, style: Style, isFirst: boolean): string {
  const columns: Columns<WorkerView, WorkerColumn> = {
    worker: { title: 'WORKER', widthMin: 16, shrinkTo: 12, text: worker => worker.worker },
    user: { title: 'USER', widthMin: 8, shrinkTo: 6, text: worker => worker.user },
    state: {
      title: 'STATE',
      widthMin: 7,
      text: worker => (worker.drained ? `${worker.liveness}, drained` : worker.liveness),
      colour: worker => (worker.drained ? 'yellow' : LIVENESS_COLOURS[worker.liveness]),
    },
    free: { title: 'FREE', align: 'right', text: worker => `${worker.free}/${worker.slots}` },
    load: { title: 'LOAD', align: 'right', text: worker => worker.load.toFixed(2) },
    beat: { title: 'BEAT', align: 'right', ...timeOf(nowMs, worker => worker.beatAtMs) },
    attached: { title: 'ATTACHED', align: 'right', isExtra: true, ...timeOf(nowMs, worker => worker.attachedAtMs) },
    version: { title: 'VERSION', text: worker => worker.version },
    labels: { title: 'LABELS', widthMin: 10, shrinkTo: 8, text: worker => someOf(worker.labels) ?? '-' },
    jobs: { title: 'JOBS', text: worker => worker.jobs.join(' ') },
  }
  return renderTable(columns, workers, style, isFirst)
}

/** A comma list for people; undefined for none. */
export const someOf = (names: readonly string[] | undefined): string | undefined =>
  names === undefined || names.length === 0 ? undefined : names.join(',')

export const tookOf = (job: JobView, nowMs: number): string =>
  job.startedAtMs === undefined ? '-' : formatElapsed((job.endedAtMs ?? nowMs) - job.startedAtMs)

/** How long ago; with --wide when exactly. */
/** A time as how long ago it was, and exactly with --wide. */
export const timeOf = <Row>(nowMs: number, atMs: (row: Row) => number | undefined) => ({
  text: (row: Row): string => orDash(atMs(row), at => formatAgo(at, nowMs)),
  exact: (row: Row): string => orDash(atMs(row), formatTime),
})

const orDash = (value: number | undefined, format: (value: number) => string): string =>
  value === undefined ? '-' : format(value)

const exitOf = (job: JobView): string => job.exitCode?.toString() ?? job.signal?.replace('SIG', '') ?? '-'

const cpuOf = ({ cpuUserMs, cpuSystemMs }: JobView): string =>
  cpuUserMs === undefined && cpuSystemMs === undefined ? '-' : formatElapsed((cpuUserMs ?? 0) + (cpuSystemMs ?? 0))

const runOf = ({ command, script }: Pick<Definition, 'command' | 'script'>): string =>
  command ? formatCommand(command) : (script ?? '')
