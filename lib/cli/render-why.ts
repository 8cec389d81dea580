import type { Reason } from '../../protocol/fields.js'
import type { JobEventView, JobView, WaitReason } from '../../protocol/views.js'
import { renderFacts, type Style } from './table.js'
import { someOf } from './tables.js'
import { formatAgo, formatElapsed, formatTime, printable } from './text.js'

/** Why a job waits, runs where it does, or ended as it did: a sentence a line. Pure; `nowMs` by the daemon's clock. */
export function renderWhy(
  job: JobView,
  events: readonly JobEventView[],
  reasons: readonly WaitReason[],
  nowMs: number,
): string {
  const sentences =
    job.state === 'PENDING' ? waiting(job, reasons, nowMs) : [...placed(job, nowMs), ...ended(job, events)]
  return [...attempts(events), ...sentences].map(sentence => `${printable(sentence)}\n`).join('')
}

/** What happened to a job, a line for each event, with the times. Pure. */
export const renderEvents = (events: readonly JobEventView[], nowMs: number, { isWide }: Style): string =>
  renderFacts(
    events.map(event => {
      const time = isWide ? formatTime(event.atMs) : `${formatTime(event.atMs)} (${formatAgo(event.atMs, nowMs)})`
      return [time, eventText(event)] as const
    }),
  )

function eventText({ kind, attempt, user, worker, reason }: JobEventView): string {
  const number = attempt > 1 ? `attempt ${attempt} ` : ''
  switch (kind) {
    case 'queued':
      return `queued by ${user}`
    case 'started':
      return `${number}started on ${worker}`
    case 'attempt-over':
      return `attempt ${attempt} is over${because(reason)}; the job waits again`
    case 'stop-requested':
      return `${user ?? 'somebody'} asked for its stop`
    case 'ended':
      return `${number}ended${because(reason)}`
  }
}

const because = (reason: Reason | undefined): string => (reason === undefined ? '' : `: ${REASONS[reason]}`)

const REASONS: Readonly<Record<Reason, string>> = {
  'worker-lost': 'its worker was not heard of for longer than the lease, and its machine has ended it',
  'time-limit': 'it took longer than the time limit of its action',
  stopped: 'it was stopped',
  'log-limit': 'its log reached the limit of its action',
  'worker-disabled': 'the account of its worker was disabled',
  killed: 'its shell vanished without a status: out of memory, or somebody on that machine killed it',
  'not-started': 'the worker could not start it; the log says what is in the way',
}

/** Attempts before the last one. */
function attempts(events: readonly JobEventView[]): readonly string[] {
  return events
    .filter(({ kind }) => kind === 'attempt-over')
    .map(({ attempt, worker, reason }) => `attempt ${attempt} on ${worker} is over${because(reason)}`)
}

function waiting(job: JobView, reasons: readonly WaitReason[], nowMs: number): readonly string[] {
  const needs = someOf(job.labels) === undefined ? '' : ` with ${labelsText(job.labels)}`
  const head = `job ${job.job} has waited ${formatElapsed(nowMs - job.queuedAtMs)} for a worker${needs}`
  return [head, ...reasons.map(reason => `- ${waitText(reason, job)}`)]
}

function waitText({ kind, worker, labels, count, max }: WaitReason, { action }: JobView): string {
  switch (kind) {
    case 'offered':
      return `worker ${worker} is taking it just now`
    case 'set-aside':
      return 'its rows in the database are damaged and it is set aside; the log of the daemon says what is wrong'
    case 'action-disabled':
      return `its action is disabled; jankins enable ${action ?? 'NAME'} lets it run`
    case 'action-full':
      return `${count} of at most ${max} jobs of its action run already`
    case 'behind':
      return count === undefined
        ? 'many jobs of its queue come first'
        : `${jobsText(count)} of its queue ${count === 1 ? 'comes' : 'come'} first`
    case 'no-worker':
      return 'no worker is connected; jankins work starts one'
    case 'no-label':
      return `no worker has ${labelsText(labels ?? [])}`
    case 'labels-apart':
      return `no worker has all of ${labelsText(labels ?? [])}`
    case 'busy':
      return `worker ${worker} is busy: ${count} of ${max} slots are taken`
    case 'drained':
      return `worker ${worker} is drained; jankins work --undrain ${worker} lets it have jobs again`
    case 'disabled':
      return `worker ${worker} is away, and its account is disabled`
    case 'silent':
      return `worker ${worker} is connected and has missed its last beats`
    case 'away':
      return `worker ${worker} is away`
    case 'not-private':
      return `worker ${worker} is connected without TLS from afar, and the action has secrets`
    case 'not-asking':
      return `worker ${worker} has room and asks for no job: it works for other daemons, polls, or its disk is full`
    case 'asking':
      return `worker ${worker} asks for jobs, and others come first`
  }
}

const jobsText = (count: number): string => (count === 1 ? '1 job' : `${count} jobs`)

const labelsText = (labels: readonly string[]): string =>
  `the label${labels.length === 1 ? '' : 's'} ${labels.join(', ')}`

/** Which worker, and why that one: it is the one rule by which jobs are given out. */
function placed(job: JobView, nowMs: number): readonly string[] {
  if (job.worker === undefined || job.startedAtMs === undefined) return []
  const waitedMs = job.startedAtMs - job.queuedAtMs
  const fits = job.labels.length === 0 ? 'any worker may run it' : `it has ${labelsText(job.labels)}`
  const went = `it went to worker ${job.worker} ${formatElapsed(waitedMs)} after it was queued: ${fits}`
  const rule = `${went}, and of those that may it was the first to ask`
  if (job.state !== 'RUNNING') return [rule]
  const runs = `job ${job.job} has run for ${formatElapsed(nowMs - job.startedAtMs)}`
  return job.stopRequestedAtMs === undefined
    ? [runs, rule]
    : [runs, rule, `it was told to stop ${formatAgo(job.stopRequestedAtMs, nowMs)}, and may use its grace time`]
}

function ended(job: JobView, events: readonly JobEventView[]): readonly string[] {
  if (job.state === 'PENDING' || job.state === 'RUNNING') return []
  const stop = events.filter(({ kind }) => kind === 'stop-requested').at(-1)
  const head = `job ${job.job} is ${job.state}: `
  if (job.reason === 'stopped') return [`${head}${stop?.user ?? 'somebody'} stopped it`]
  if (job.reason !== undefined) return [`${head}${REASONS[job.reason]}`]
  // A worker that cannot keep artifacts makes a 1 of a 0: of a 1 nobody knows whose it is.
  const what = job.exitCode === 1 ? 'it' : 'its command'
  return [
    `${head}${what} exited with ${job.exitCode ?? 'no status'}${job.exitCode === 0 ? '' : '; its log may say why'}`,
  ]
}
