import { join } from 'node:path'
import t, { type Test } from 'tap'
import { completeDefinition } from '../../lib/domain/action.js'
import { migrate } from '../../lib/store/migrate.js'
import { putActionRow } from '../../lib/store/sqlite/actions.js'
import { type Handle, openWriterHandle } from '../../lib/store/sqlite/database.js'
import {
  FIND_ORDER,
  findOrder,
  HEADS_FIRST,
  HEADS_LOWER,
  HEADS_SAME,
  readHeadRows,
} from '../../lib/store/sqlite/dispatch.js'
import { applyJobEvent } from '../../lib/store/sqlite/events.js'
import { READ_FACTS, READ_LABELS, READ_PARAMETERS } from '../../lib/store/sqlite/filters.js'
import { insertJobRows } from '../../lib/store/sqlite/insert.js'
import { FIND_VIEW } from '../../lib/store/sqlite/job-view.js'
import { LANES, queryJobRows } from '../../lib/store/sqlite/query.js'
import { FORGET, forgetKeys, OLDEST, PROBE } from '../../lib/store/sqlite/request-keys.js'
import { insertUser } from '../../lib/store/sqlite/users.js'
import type { JobFilter } from '../../lib/store/store.js'
import { LIMITS } from '../../protocol/limits.js'
import { acknowledged, credential, finished, jobId, name, newJobs, USER } from './samples.js'
import { countSteps } from './vm-steps.js'

const SIZES = [1_000, 100_000, ...(process.env.JANKINS_TEST_ROWS ? [Number(process.env.JANKINS_TEST_ROWS)] : [])]
/** Instructions of SQLite’s machine for one row or entry that is looked at, and for the statements around them. */
const STEPS_PER_ROW = 20
const STEPS_PER_CALL = 150
const BLOCKED = 1
const OPEN = 2

function open(t: Test): { handle: Handle; dir: string } {
  const dir = t.testdir()
  const handle = openWriterHandle(join(dir, 'jankins.db'))
  t.teardown(() => handle.db.close())
  migrate(handle.db)
  for (const user of [USER, name('rare')])
    insertUser(handle, { user, role: 'user', mayExec: false, credential: credential() }, 1)
  for (const action of ['blocked', 'open'])
    putActionRow(handle, name(action), completeDefinition({ script: action }), false, 1)
  return { handle, dir }
}

/** `rows` PENDING jobs of the blocked action around a few of the open one, of all states but TIMEOUT. */
function fill(handle: Handle, rows: number): void {
  const home = { daemon: 'd', epoch: 1 }
  const few = () => {
    for (let n = 1; n <= 5; n++) {
      const { jobs } = insertJobRows(handle, newJobs(OPEN, { priority: n % 2, user: name('rare') }))
      const job = jobId(jobs[0] as number)
      if (n > 2) applyJobEvent(handle, job, acknowledged(home, n, 'rare-box'), undefined)
      if (n === 4) applyJobEvent(handle, job, finished(n), undefined)
      if (n === 5) applyJobEvent(handle, job, { kind: 'expired', home, attempt: 1, atMs: 9, logBytes: 0 }, undefined)
    }
  }
  const many = handle.db.prepare(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    INSERT INTO jobs (state, queue, user, priority, attempt, retries_left, queued_at_ms, request_count, request_key)
    SELECT 1, ${BLOCKED}, 1, i % 3, 1, 0, 1, 1, 'filled-' || i FROM n`)
  handle.db.transaction(() => {
    few()
    many.run(rows)
    few()
  })()
}

const FILTERS: readonly JobFilter[] = [
  {},
  ...(['PENDING', 'RUNNING', 'COMPLETE', 'TIMEOUT', 'CANCELLED'] as const).map(state => ({ state })),
  { action: name('blocked') },
  { action: name('open') },
  { user: USER },
  { user: name('rare') },
  { worker: name('rare-box') },
  { worker: name('none') },
  { pid: 5 },
  { worker: name('rare-box'), pid: 5 },
  { jobs: [jobId(3), jobId(900)], state: 'RUNNING' },
  { action: name('blocked'), state: 'COMPLETE' },
  { action: name('blocked'), state: 'RUNNING' },
  { action: name('open'), state: 'PENDING' },
  { action: name('blocked'), user: name('rare') },
  { label: name('none') },
  { exitCode: 77 },
  { text: 'nowhere' },
  { queuedFromMs: 1 },
  { queuedFromMs: 3_000 },
  { queuedBeforeMs: 1 },
  { queuedBeforeMs: 3_000, queuedFromMs: 2, user: name('rare') },
  { label: name('none'), exitCode: 0, text: 'x', state: 'COMPLETE' },
  { action: name('open'), user: USER, worker: name('rare-box'), state: 'COMPLETE', pid: 1 },
]

for (const rows of SIZES)
  for (const analyzed of [false, true])
    t.test(
      `behind ${rows} blocked jobs${analyzed ? ', with statistics' : ''}, each read and write looks at few rows`,
      async t => {
        const { handle, dir } = open(t)
        fill(handle, rows)
        if (analyzed) handle.db.exec('ANALYZE')
        const steps = countSteps(handle, dir)
        const within = (work: () => unknown, rowsMax: number, what: string) => {
          const taken = steps(work)
          t.ok(taken <= rowsMax * STEPS_PER_ROW + STEPS_PER_CALL, `${what}: ${taken} steps for ${rowsMax} rows`)
          return taken
        }
        t.equal(readHeadRows(handle, OPEN, undefined, 10).length, 4)
        within(() => readHeadRows(handle, OPEN, undefined, 10), 4, 'the heads of the open queue')
        within(() => readHeadRows(handle, BLOCKED, undefined, 10), 10, 'the heads of the blocked queue')
        const middle = { job: jobId(Math.floor(rows / 2)), priority: 1 }
        within(() => readHeadRows(handle, BLOCKED, middle, 10), 10, 'heads behind one in the middle')
        within(
          () => readHeadRows(handle, BLOCKED, { job: jobId(rows + 9), priority: 0 }, 10),
          1,
          'heads behind the last',
        )
        within(() => findOrder(handle, jobId(1)), 5, 'an order')
        for (const filter of FILTERS)
          within(
            () => queryJobRows(handle, filter, undefined, 100),
            // The rows of the page once more, for their views: job, user, queue, action and version.
            LIMITS.pageVisitedMax.value + 5 * 100,
            `a page of ${JSON.stringify(filter)}`,
          )
        const home = { daemon: 'd', epoch: 2 }
        const forget = forgetKeys(handle, async operation => operation())
        const halvings = Math.ceil(Math.log2(rows + 10))
        within(() => void forget(1_000, 100), 100 + 100 + 2 * halvings, 'the first old keys')
        within(() => void forget(1_000, 100), 100 + 100, 'more old keys')
        within(() => insertJobRows(handle, newJobs(OPEN)), 5, 'an insert')
        within(() => applyJobEvent(handle, jobId(rows + 6), acknowledged(home, 99), undefined), 5, 'an acknowledgement')
        within(() => applyJobEvent(handle, jobId(rows + 6), finished(99), undefined), 5, 'a finish')
      },
    )

t.test('the counter sees rows that a plan hides', async t => {
  const { handle, dir } = open(t)
  fill(handle, 1_000)
  const steps = countSteps(handle, dir)
  const text = 'SELECT id FROM jobs INDEXED BY jobs_queue WHERE queue = ? AND user = 2 LIMIT 1'
  t.notMatch(planOf(handle, text), /SCAN/)
  t.ok(steps(() => handle.sql(text).get(BLOCKED)) > 1_000)
})

t.test('no statement of a hot path scans or sorts', async t => {
  const { handle } = open(t)
  for (const text of [
    ...Object.values(LANES),
    READ_FACTS,
    READ_LABELS,
    READ_PARAMETERS,
    HEADS_FIRST,
    HEADS_SAME,
    HEADS_LOWER,
    FIND_ORDER,
    FIND_VIEW,
    PROBE,
    OLDEST,
    FORGET,
  ])
    t.notMatch(planOf(handle, text), /SCAN|TEMP B-TREE|AUTOMATIC/, text)
})

t.test('each filter is answered by its index down to the id', async t => {
  const { handle } = open(t)
  for (const column of ['state', 'queue', 'user', 'worker'] as const)
    t.match(planOf(handle, LANES[column]), `USING COVERING INDEX jobs_${column} (${column}=? AND rowid<?)`)
})

function planOf({ db }: Handle, text: string): string {
  const holes = text.split('?').length - 1
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...Array(holes).fill(null)) as { detail: string }[]
  return rows.map(({ detail }) => detail).join('\n')
}
