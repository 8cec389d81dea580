import * as f from './fields.js'
import { LIMITS } from './limits.js'
import { bool, choice, doc, float, type Infer, int, list, obj, opt, text } from './schema.js'

/** A job as every method shows it, and as --json prints it. Times are ms since the epoch by the daemon's clock. */
export const jobView = obj({
  job: f.jobId,
  action: opt(doc('missing for a job of job.exec', f.name)),
  state: f.jobState,
  reason: opt(doc('why, where the state alone does not say it', f.reason)),
  aside: opt(
    doc(
      'why a PENDING job is not given out: the database has it damaged. Told by job.wait, and by job.query with `jobs`',
      text(1_024),
    ),
  ),
  exitCode: opt(doc('of the job’s shell', int(0, 255))),
  signal: opt(f.signal),
  user: doc('who queued it', f.name),
  worker: opt(doc('name of the worker that has or had it', f.name)),
  workerUser: opt(doc('account of that worker', f.name)),
  attempt: f.attempt,
  priority: f.priority,
  queuedAtMs: f.timeMs,
  startedAtMs: opt(f.timeMs),
  endedAtMs: opt(f.timeMs),
  heartbeatAtMs: opt(doc('about the last beat while RUNNING; for people, decides nothing', f.timeMs)),
  stopRequestedAtMs: opt(f.timeMs),
  pid: opt(doc('of the job’s shell on the worker', int(1, 2 ** 31))),
  dir: opt(doc('directory that the job was told to run in, on the worker', f.path)),
  command: opt(doc('argv; cut at 4 KiB', f.argv)),
  script: opt(doc('shell script; cut at 4 KiB', f.script)),
  parameters: doc('cut at 4 KiB', f.environment),
  labels: doc('a worker must have all of them', f.labels),
  bundle: opt(f.sha256),
  logBytes: doc('both streams of this attempt', f.byteCount),
  artifactBytes: doc('size of the zip; 0 when there is none', f.byteCount),
  treeLayer: opt(doc('what ended its last processes', f.treeLayer)),
  ...f.usage,
  retryOf: opt(doc('the job that job.retry was asked for', f.jobId)),
})
export type JobView = Infer<typeof jobView>

/** The options of an action; job.exec takes the same ones. Exactly one of command and script. */
export const definitionFields = {
  command: opt(doc('argv, run without a shell', f.argv)),
  script: opt(doc('run by sh, or by its #! line', f.script)),
  environment: opt(doc('environment of the job; parameters win over it', f.environment)),
  dir: opt(doc('directory on the worker to run in, instead of the workspace', f.path)),
  timeLimitMs: opt(
    doc('the job is stopped after this and ends as TIMEOUT; none by default', int(1, LIMITS.timeLimitMsMax.value)),
  ),
  leaseMs: opt(
    doc(
      'how long the job goes on without contact to the daemon; 60 s by default',
      int(LIMITS.leaseMsMin.value, LIMITS.leaseMsMax.value),
    ),
  ),
  graceMs: opt(doc('between SIGTERM and SIGKILL; 10 s by default', int(0, LIMITS.graceMsMax.value))),
  labels: opt(f.labels),
  priority: opt(f.priority),
  artifacts: opt(doc('patterns of files in the workspace to keep', list(f.path, LIMITS.artifactGlobsMax.value))),
  retries: opt(doc('new attempts after TIMEOUT; 0 by default', int(0, LIMITS.retriesMax.value))),
  runningMax: opt(doc('most jobs of the action running at once; no limit by default', int(1, LIMITS.runningMax.value))),
  stderr: opt(doc('merge: into stdout, in the order written', choice('apart', 'merge'))),
  logLimitBytes: opt(int(1, LIMITS.logLimitBytesMax.value)),
  onLogLimit: opt(doc('cut keeps head and tail, stop ends the job', choice('cut', 'stop'))),
  allow: opt(
    doc(
      'who may queue its jobs, beside admins; everyone who may queue by default',
      list(f.allowed, LIMITS.allowMax.value),
    ),
  ),
} as const
export const definition = obj(definitionFields)
export type Definition = Infer<typeof definition>

export const actionView = obj({
  action: f.name,
  active: bool,
  ...definitionFields,
})
export type ActionView = Infer<typeof actionView>

export const userView = obj({
  user: f.name,
  role: f.role,
  active: doc('may log in', bool),
  state: opt(doc('why it may or may not', f.userState)),
  mayExec: doc('may use job.exec without being admin', bool),
  createdAtMs: f.timeMs,
})
export type UserView = Infer<typeof userView>

export const inviteView = obj({
  invite: f.inviteId,
  role: f.invitedRole,
  state: f.inviteState,
  user: doc('who made it', f.name),
  createdAtMs: f.timeMs,
  expiresAtMs: f.timeMs,
  usedBy: opt(doc('the account that was made with it', f.name)),
})
export type InviteView = Infer<typeof inviteView>

export const workerView = obj({
  worker: f.name,
  user: f.name,
  liveness: doc('suspect after 3 missed beats, lost once its leases are', choice('alive', 'suspect', 'lost')),
  labels: f.labels,
  slots: doc('jobs that it runs at once', f.count),
  free: f.count,
  jobs: doc('jobs it holds', list(f.jobId, LIMITS.slotsMax.value)),
  load: doc('one-minute load average', float(0, 1e6)),
  drained: opt(doc('it gets no new job', bool)),
  version: text(64),
  attachedAtMs: f.timeMs,
  beatAtMs: f.timeMs,
})
export type WorkerView = Infer<typeof workerView>

/** What happened to a job, for people. */
export const jobEvent = obj({
  atMs: f.timeMs,
  kind: doc(
    'attempt-over: the job waits for its next attempt',
    choice('queued', 'started', 'attempt-over', 'stop-requested', 'ended'),
  ),
  attempt: f.attempt,
  user: opt(doc('who queued it, or asked for the stop', f.name)),
  worker: opt(doc('that ran the attempt', f.name)),
  reason: opt(f.reason),
})
export type JobEventView = Infer<typeof jobEvent>

/** One reason for which a job waits; the daemon's facts as they are now. */
export const waitReason = obj({
  kind: choice(
    ...(['offered', 'set-aside', 'action-disabled', 'action-full', 'behind'] as const),
    ...(['no-worker', 'no-label', 'labels-apart'] as const),
    ...(['busy', 'drained', 'disabled', 'silent', 'away', 'not-private', 'not-asking', 'asking'] as const),
  ),
  worker: opt(doc('has all labels that the job asks for', f.name)),
  labels: opt(doc('no-label: no attached worker has one of them; labels-apart: none has all', f.labels)),
  count: opt(doc('busy: jobs that it holds; action-full: running ones; behind: those that come first', f.count)),
  max: opt(doc('busy: its slots; action-full: the limit', f.count)),
})
export type WaitReason = Infer<typeof waitReason>

/** What a worker needs to run one attempt. */
export const grant = obj({
  job: f.jobId,
  attempt: f.attempt,
  lease: f.leaseId,
  action: opt(f.name),
  ...definitionFields,
  leaseMs: f.durationMs,
  graceMs: f.durationMs,
  environment: doc(
    'of the action, then the parameters: a later pair wins',
    list(f.environmentPair, 2 * LIMITS.environmentMax.value),
  ),
  artifacts: list(f.path, LIMITS.artifactGlobsMax.value),
  stderr: choice('apart', 'merge'),
  logLimitBytes: f.byteCount,
  onLogLimit: choice('cut', 'stop'),
  bundle: opt(doc('to be unpacked into the workspace before the start', f.sha256)),
})
export type Grant = Infer<typeof grant>
