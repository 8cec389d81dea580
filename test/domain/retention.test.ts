import t from 'tap'
import { dueJobs, type KeptJob } from '../../lib/domain/retention.js'
import type { JobId } from '../../protocol/ids.js'

/** Ended at 100, 200, ... with 10 bytes each. */
const OLDEST: readonly KeptJob[] = [1, 2, 3, 4].map(n => ({ job: n as JobId, endedAtMs: n * 100, bytes: 10 }))
const TOTALS = { jobs: 4, bytes: 40 }
const due = (limits: Parameters<typeof dueJobs>[0], nowMs = 1_000, totals = TOTALS) =>
  dueJobs(limits, totals, OLDEST, nowMs).map(({ job }) => job)

t.test('without limits everything stays', async t => {
  t.strictSame(due({}), [])
})

t.test('what is older than the age goes, what is just as old stays', async t => {
  t.strictSame(due({ ageMs: 800 }), [1])
  t.strictSame(due({ ageMs: 801 }), [1])
  t.strictSame(due({ ageMs: 900 }), [])
  t.strictSame(due({ ageMs: 1 }), [1, 2, 3, 4])
})

t.test('the newest of a count stay', async t => {
  t.strictSame(due({ jobsMax: 3 }), [1])
  t.strictSame(due({ jobsMax: 4 }), [])
  t.strictSame(
    due({ jobsMax: 100 }, 1_000, { jobs: 102, bytes: 1_020 }),
    [1, 2],
    'also of those that are not looked at',
  )
})

t.test('the newest within the bytes stay', async t => {
  t.strictSame(due({ bytesMax: 40 }), [])
  t.strictSame(due({ bytesMax: 39 }), [1])
  t.strictSame(due({ bytesMax: 5 }), [1, 2, 3, 4])
})

t.test('one limit is enough, and an older job never outlives a newer one', async t => {
  t.strictSame(due({ ageMs: 850, jobsMax: 2 }), [1, 2])
  t.strictSame(due({ ageMs: 750, jobsMax: 4, bytesMax: 40 }), [1, 2])
  t.strictSame(dueJobs({ jobsMax: 0 }, { jobs: 0, bytes: 0 }, [], 1), [])
})
