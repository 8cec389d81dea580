import t, { type Test } from 'tap'
import { type LogRecord, recordLog } from '../../../lib/base/log.js'
import type { JobId, Name } from '../../../protocol/ids.js'
import { damage } from '../../helpers/damage.js'
import { startWorld, type World } from './world.js'

/** What a hand, or a disk, may do to the rows of a job of the action `bad`. */
const DAMAGES: readonly { what: string; sql: string; reason: RegExp }[] = [
  {
    what: 'JSON that is cut',
    sql: "UPDATE action_versions SET definition = '{\"command' WHERE action = 'bad'",
    reason: /definition is damaged/,
  },
  {
    what: 'JSON of something else',
    sql: "UPDATE action_versions SET definition = '[7]' WHERE action = 'bad'",
    reason: /./,
  },
  {
    what: 'a value beyond its limit',
    sql: "UPDATE action_versions SET definition = replace(definition, '60000', '-1') WHERE action = 'bad'",
    reason: /leaseMs must be/,
  },
  {
    what: 'an action without its version',
    sql: "DELETE FROM action_versions WHERE action = 'bad'",
    reason: /definition of its action is missing/,
  },
  {
    what: 'a queue without its action',
    sql: "DELETE FROM actions WHERE name = 'bad'",
    reason: /definition of its action is missing/,
  },
  {
    what: 'parameters that are cut',
    sql: "UPDATE jobs SET parameters = '[[' WHERE queue = 1",
    reason: /parameters are damaged/,
  },
  { what: 'a job without its account', sql: 'UPDATE jobs SET user = 99 WHERE queue = 1', reason: /its account/ },
  {
    what: 'a priority that nobody may give',
    sql: 'UPDATE jobs SET priority = 5000 WHERE queue = 1',
    reason: /priority must be/,
  },
  { what: 'labels that are cut', sql: "UPDATE queues SET labels = '[\"gp' WHERE id = 1", reason: /labels are damaged/ },
  {
    what: 'labels that are none',
    sql: 'UPDATE queues SET labels = \'["no label!"]\' WHERE id = 1',
    reason: /labels are damaged/,
  },
]

/** Two jobs of an action that will be damaged, before one of an action that stays whole. */
async function begin(t: Test): Promise<{ w: World; bad: JobId; good: JobId; records: LogRecord[] }> {
  const records: LogRecord[] = []
  const w = await startWorld(t, { log: recordLog('info', record => records.push(record)) })
  await w.addAction('bad')
  await w.addAction('good')
  const [bad] = await w.queue('bad')
  const [good] = await w.queue('good')
  if (bad === undefined || good === undefined) throw new Error('two jobs were queued')
  return { w, bad, good, records }
}

for (const { what, sql, reason } of DAMAGES)
  t.test(`${what}: the job is set aside with a reason, and the rest goes on`, async t => {
    const before = await begin(t)
    damage(t.testdirName, sql)
    const w = await before.w.restart()
    await w.attach(1, 'w')
    t.equal((await w.run(1)).grant.job, before.good)
    t.equal(await w.claim(1), undefined)
    t.match(before.records, [{ level: 'error', message: /set aside/, facts: { reason } }])
    const { jobs } = await w.store.queryJobs({}, undefined, 10)
    t.strictSame(
      jobs.map(({ job, state }) => [job, state]),
      [
        [before.good, 'RUNNING'],
        [before.bad, 'PENDING'],
      ],
      'people see both',
    )
    t.strictSame(await w.store.readHeads(1, undefined, 10), [{ job: before.bad, priority: jobs[1]?.priority }])
    t.ok((await w.store.listActions(undefined, 10)).actions.some(({ action }) => action === 'good'))
    t.match(await w.writer.stopJob(before.bad), { state: 'CANCELLED', requested: true }, 'and it can be got rid of')
    t.equal((await w.writer.counters()).pending, 0)
  })

t.test('a queue whose row is missing holds up nothing, and its jobs can be stopped', async t => {
  const before = await begin(t)
  damage(t.testdirName, 'DELETE FROM queues WHERE id = 1')
  const w = await before.w.restart()
  await w.attach(1, 'w')
  t.equal((await w.run(1)).grant.job, before.good)
  t.equal(await w.claim(1), undefined)
  t.equal((await w.store.queryJobs({}, undefined, 10)).jobs.length, 2)
  t.match(await w.writer.stopJob(before.bad), { state: 'CANCELLED' })
})

t.test('a damaged RUNNING row does not keep the daemon from starting, nor others from resuming', async t => {
  const before = await begin(t)
  await before.w.attach(1, 'w', { instance: 7 })
  const runs = [await before.w.run(1), await before.w.run(1)]
  damage(t.testdirName, `UPDATE jobs SET lease = NULL, home_daemon = NULL WHERE id = ${before.bad}`)
  damage(t.testdirName, "UPDATE action_versions SET definition = '{' WHERE action = 'bad'")
  const w = await before.w.restart()
  t.match(before.records, [{ level: 'error', facts: { job: before.bad, reason: /lease is damaged/ } }])
  await w.attach(1, 'w', { instance: 7 })
  const good = runs.find(({ grant }) => grant.job === before.good)?.grant
  if (!good) throw new Error('it ran')
  t.match(await w.writer.resume(1, good.job, good.lease), { stop: false })
  t.equal(await w.finish(good), 'COMPLETE')
  await w.clock.advance(70_000)
  t.match(await w.writer.counters(), { running: 0 }, 'nothing waits for the damaged one for ever')
  t.match(await w.store.findJob(before.bad), { state: 'TIMEOUT', reason: 'worker-lost' }, 'and its row says why')
})

t.test('an action that is added anew mends its queue and its definition', async t => {
  const before = await begin(t)
  damage(t.testdirName, "UPDATE queues SET labels = '[' WHERE id = 1")
  damage(t.testdirName, "UPDATE action_versions SET definition = '{' WHERE action = 'bad'")
  const w = await before.w.restart()
  await w.addAction('bad' as Name)
  await w.attach(1, 'w')
  t.equal((await w.run(1)).grant.job, before.bad)
})
