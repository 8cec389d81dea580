import t from 'tap'
import { formatBytes } from '../../lib/base/units.js'
import { progressLine } from '../../lib/cli/progress.js'
import * as render from '../../lib/cli/render.js'
import { renderInvites, renderUsers } from '../../lib/cli/render-accounts.js'
import * as tables from '../../lib/cli/tables.js'
import { formatAgo, formatCommand, formatElapsed, printable } from '../../lib/cli/text.js'
import { cutTo, padTo, widthOf } from '../../lib/cli/width.js'
import { INVITE_STATES, USER_STATES } from '../../protocol/fields.js'
import type { InviteId, JobId, Name, Sha256 } from '../../protocol/ids.js'
import type { ActionView, InviteView, JobView, UserView, WorkerView } from '../../protocol/views.js'

const nowMs = Date.UTC(2026, 4, 4, 13, 7, 9)
const plain = { width: 100, isColoured: false }
const coloured = { width: 100, isColoured: true }
const name = (text: string): Name => text as Name

const pending: JobView = {
  job: 7 as JobId,
  state: 'PENDING',
  user: name('ada'),
  attempt: 1,
  priority: 0,
  queuedAtMs: nowMs - 3_000,
  parameters: [],
  labels: [],
  logBytes: 0,
  artifactBytes: 0,
}
const running: JobView = {
  ...pending,
  job: 6 as JobId,
  action: name('build'),
  state: 'RUNNING',
  worker: name('box-1'),
  startedAtMs: nowMs - 65_000,
  queuedAtMs: nowMs - 70_000,
}
const complete: JobView = { ...running, job: 5 as JobId, state: 'COMPLETE', exitCode: 0, endedAtMs: nowMs - 60_000 }
const failed: JobView = { ...complete, job: 4 as JobId, exitCode: 2 }
const lost: JobView = { ...running, job: 3 as JobId, state: 'TIMEOUT', reason: 'worker-lost', endedAtMs: nowMs }
const stopped: JobView = {
  ...running,
  job: 2 as JobId,
  state: 'CANCELLED',
  reason: 'stopped',
  signal: 'SIGTERM',
  endedAtMs: nowMs,
}
const full: JobView = {
  ...stopped,
  exitCode: 143,
  workerUser: name('worker'),
  pid: 4_711,
  attempt: 2,
  retryOf: 1 as JobId,
  labels: ['linux', 'big'] as Name[],
  heartbeatAtMs: nowMs,
  stopRequestedAtMs: nowMs - 1_000,
  command: ['sh', '-c', "echo 'hi'"],
  dir: '/srv',
  parameters: [
    ['A', '1'],
    ['B', 'two\nlines \u001b[31mred'],
  ],
  bundle: 'ab'.repeat(32) as Sha256,
  logBytes: 1_500,
  artifactBytes: 3_000_000,
  treeLayer: 'cgroup',
  cpuUserMs: 75_000,
  cpuSystemMs: 420,
  memoryPeakBytes: 300_000_000,
}
const jobs = [pending, running, complete, failed, lost, stopped]

t.test('jobs stand in a table, with colours where they are wanted', async t => {
  t.matchSnapshot(tables.renderJobs(jobs, nowMs, plain, true), 'plain')
  t.matchSnapshot(tables.renderJobs(jobs, nowMs, coloured, true), 'coloured')
  t.matchSnapshot(tables.renderJobs([pending], nowMs, plain, false), 'a later page')
  t.matchSnapshot(tables.renderJobs([], nowMs, plain, true), 'no job')
  const wide = { ...plain, isWide: true }
  t.matchSnapshot(tables.renderJobs([full, pending], nowMs, wide, true), 'wide')
  const columns = ['exit', 'job', 'parameters']
  t.matchSnapshot(tables.renderJobs([full, pending], nowMs, { ...plain, columns }, true), 'chosen columns')
})

t.test('a table is as wide as its terminal: cells are cut, never a character', async t => {
  const longName = name('a-name-of-sixty-four-characters-which-is-the-longest-that-there-is')
  const job: JobView = { ...lost, action: longName, worker: longName, user: longName }
  for (const width of [60, 80, 100, 140]) {
    const table = tables.renderJobs([job, pending], nowMs, { ...plain, width }, true)
    for (const line of table.trimEnd().split('\n')) t.ok(widthOf(line) <= Math.max(width, 80), `${width}: ${line}`)
    t.matchSnapshot(table, `${width} columns`)
  }
  const action: ActionView = { action: name('a'), active: true, command: ['编译', '固件'.repeat(40), '\u001b[2J'] }
  const [, row = ''] = tables.renderActions([action], { ...plain, width: 70 }, true).split('\n')
  t.equal(widthOf(row), 70 - 1, 'a wide character that does not fit leaves its place empty')
  t.match(row, /[固件]…$/)
  t.notMatch(tables.renderActions([action], { ...plain, width: 400 }, true), '\u001b')
})

t.test('text is measured as a terminal shows it', async t => {
  t.strictSame(['abc', '', '编译', 'e\u0301', '🙂', 'ﬃ', '\u200d'].map(widthOf), [3, 0, 4, 1, 2, 1, 0])
  t.strictSame(
    ['abcdef', '编译固件'].map(text => cutTo(text, 5)),
    ['abcd…', '编译…'],
  )
  t.equal(padTo('编', 4), '编  ')
  t.equal(padTo('编', 4, 'right'), '  编')
})

t.test('one job is shown with everything that is known of it', async t => {
  t.matchSnapshot(render.renderJob(pending, nowMs), 'waiting')
  t.matchSnapshot(render.renderJob(full, nowMs), 'ended')
  const damaged = { ...pending, aside: 'its labels are damaged' }
  t.match(render.renderJob(damaged, nowMs), /^set aside +its labels are damaged; stop the job/m)
  t.strictSame([complete, lost, full, { ...pending, state: 'CANCELLED' as const }].map(render.renderEnd), [
    'job 5 COMPLETE: exit code 0, after 5.0s',
    'job 3 TIMEOUT: worker-lost, after 1m 05s',
    'job 2 CANCELLED: exit code 143, SIGTERM, stopped, after 1m 05s',
    'job 7 CANCELLED',
  ])
})

t.test('actions, accounts, workers and the daemon are shown', async t => {
  const action: ActionView = {
    action: name('build'),
    active: false,
    command: ['make', 'a very long argument that goes on and on', 'until the terminal is at its end', 'and further'],
    labels: [name('linux')],
    priority: -5,
    environment: [['A', '1']],
    timeLimitMs: 90_000,
    leaseMs: 60_000,
    graceMs: 0,
    artifacts: ['dist/**'],
    logLimitBytes: 64 * 1024,
    runningMax: 3,
  }
  t.matchSnapshot(tables.renderActions([action, { action: name('b'), active: true, script: 'a\nb' }], plain, true))
  t.matchSnapshot(render.renderAction(action))
  const user: UserView = { user: name('ada'), role: 'user', active: true, mayExec: true, createdAtMs: nowMs - 1e9 }
  const states = USER_STATES.map((state): UserView => ({ ...user, active: state === 'active', state, role: 'reader' }))
  t.matchSnapshot(renderUsers([user, ...states], nowMs, coloured, true))
  const invite: InviteView = {
    ...{ invite: 3 as InviteId, role: 'worker', user: name('root') },
    ...{ createdAtMs: nowMs - 3_000, expiresAtMs: nowMs + 60_000, state: 'open' },
  }
  const invites = INVITE_STATES.map((state): InviteView => ({ ...invite, state }))
  t.matchSnapshot(renderInvites([...invites, { ...invite, usedBy: name('box-7') }], nowMs, coloured, true))
  const worker: WorkerView = {
    ...{ worker: name('box-1'), user: name('w'), liveness: 'suspect', labels: [name('linux')], slots: 4, free: 2 },
    ...{ jobs: [6 as JobId, 7 as JobId], load: 0.5, version: '0.1.0', attachedAtMs: 0, beatAtMs: nowMs - 1_600 },
  }
  t.matchSnapshot(tables.renderWorkers([worker, { ...worker, labels: [], jobs: [] }], nowMs, plain, true))
  const status = {
    ...{ version: '0.1.0', startedAtMs: nowMs - 1e8, nowMs, connections: 3, pending: 1, running: 2, workers: 3 },
    ...{ threads: [{ thread: 1, connections: 3 }], claimsParked: 4, memoryBytes: 5e7 },
  }
  t.matchSnapshot(render.renderStatus(status), 'of an older daemon')
  const sinceStart = {
    ...{ workersSuspect: 1, jobsQueued: 120, jobsEnded: 117, leasesExpired: 2, heartbeats: 5e5 },
    ...{ connectionsAccepted: 340, connectionsRefused: 0, loginsFailed: 3 },
    ...{ logReceivedBytes: 5e6, logSentBytes: 812, artifactReceivedBytes: 3e9, artifactSentBytes: 0 },
    ...{ queueWaitP50Ms: 16.7, queueWaitP99Ms: 83_000, dispatchP50Ms: 0.317, dispatchP99Ms: 4.96 },
    ...{ commitP50Ms: 0.07, commitP99Ms: 1_234 },
  }
  t.matchSnapshot(render.renderStatus({ ...status, ...sinceStart }))
})

t.test('times and sizes are short', async t => {
  t.strictSame([0, 120, 4_560, 59_999, 60_000, 185_000, 7_800_000, 3.5 * 86_400_000, -5].map(formatElapsed), [
    '0.00s',
    '0.12s',
    '4.6s',
    '59s',
    '1m 00s',
    '3m 05s',
    '2h 10m',
    '3d 12h',
    '0.00s',
  ])
  t.strictSame(
    [-9_000, 0, 999, 42_000, 300_000, 7_300_000, 1e9].map(ms => formatAgo(nowMs - ms, nowMs)),
    ['now', 'now', 'now', '42s ago', '5m ago', '2h ago', '11d ago'],
  )
  t.strictSame([0, 812, 1_536, 20 * 1024 * 1024, 2 ** 41, 2 ** 52].map(formatBytes), [
    ...['0 B', '812 B', '1.5 KiB', '20 MiB', '2.0 TiB', '4096 TiB'],
  ])
})

t.test('a transfer shows how far it is, how fast it goes, and what is left', async t => {
  const mib = 1024 * 1024
  const lines = [
    { doneBytes: 0, totalBytes: 4 * mib, before: 0, elapsedMs: 0 },
    { doneBytes: mib, totalBytes: 4 * mib, before: 0, elapsedMs: 2_000 },
    { doneBytes: 3 * mib, totalBytes: 4 * mib, before: 2 * mib, elapsedMs: 2_000 },
    { doneBytes: 4 * mib, totalBytes: 4 * mib, before: 0, elapsedMs: 8_000 },
    { doneBytes: 0, totalBytes: 0, before: 0, elapsedMs: 1 },
  ].map(transferred => progressLine('fetching', transferred))
  t.matchSnapshot(lines.join('\n'))
})

t.test('nothing of a peer’s text reaches the terminal as a control', async t => {
  t.equal(printable('a\u001b[2Jb\r\n\tc\u202e\u0085'), 'a\\u{1b}[2Jb\\u{d}\\n\\tc\\u{202e}\\u{85}')
  t.equal(formatCommand(['sh', '-c', "it's", '', 'a b', 'x=1']), "sh -c 'it'\\''s' '' 'a b' x=1")
})
