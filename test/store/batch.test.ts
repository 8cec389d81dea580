import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { silentLog } from '../../lib/base/log.js'
import { openReader, openStore } from '../../lib/store/open.js'
import { createBatch } from '../../lib/store/sqlite/batch.js'
import { openWriterHandle } from '../../lib/store/sqlite/database.js'
import { newJobs, openForBusiness } from './samples.js'

/** A table of its own, a batch on it, and a second handle that sees what is committed. */
function openBatch(t: Test) {
  const path = join(t.testdir(), 'batch.db')
  const handle = openWriterHandle(path)
  handle.db.exec('CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT')
  handle.db.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id)) STRICT')
  const other = new Database(path, { readonly: true })
  let commits = 0
  const batch = createBatch(handle, silentLog, () => commits++)
  t.teardown(() => {
    batch.close()
    other.close()
    handle.db.close()
  })
  const insert = (id: number) => () => handle.sql('INSERT INTO notes (id) VALUES (?)').run(id).changes
  const seen = () => other.prepare('SELECT id FROM notes ORDER BY id').pluck().all()
  return { handle, batch, insert, seen, commits: () => commits }
}

t.test('an answer comes after the commit: another handle sees what it tells of', async t => {
  const { batch, insert, seen } = openBatch(t)
  const answers = [1, 2, 3].map(id => batch.write(insert(id)).then(seen))
  t.strictSame(seen(), [], 'nothing yet')
  for (const answer of answers) t.strictSame(await answer, [1, 2, 3], 'the whole turn in one commit')
})

t.test('an operation that fails leaves nothing of itself and does not harm its neighbours', async t => {
  const { batch, insert, seen } = openBatch(t)
  const settled = await Promise.allSettled([
    batch.write(insert(1)),
    batch.write(() => {
      insert(2)()
      throw new Error('changed its mind')
    }),
    batch.write(insert(1)),
    batch.write(insert(3)),
  ])
  t.match(settled, [
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: { message: 'changed its mind' } },
    { status: 'rejected', reason: { code: 'SQLITE_CONSTRAINT_PRIMARYKEY' } },
    { status: 'fulfilled', value: 1 },
  ])
  t.strictSame(seen(), [1, 3])
})

t.test('an error that rolls the whole transaction back is answered to the one that made it only', async t => {
  const { handle, batch, insert, seen } = openBatch(t)
  const settled = await Promise.allSettled([
    batch.write(insert(1)),
    // What a full disk does too.
    batch.write(() => handle.sql('INSERT OR ROLLBACK INTO notes (id) VALUES (1), (1)').run()),
    batch.write(insert(2)),
  ])
  t.match(settled, [{ status: 'fulfilled' }, { status: 'rejected' }, { status: 'fulfilled' }])
  t.strictSame(seen(), [1, 2])
})

t.test('a commit that fails is answered to nobody: each operation gets a commit of its own', async t => {
  const { handle, batch, insert, seen } = openBatch(t)
  let runs = 0
  const settled = await Promise.allSettled([
    batch.write(insert(1)),
    batch.write(() => {
      // Noticed at the commit only.
      runs++
      handle.db.pragma('defer_foreign_keys = ON')
      handle.sql('INSERT INTO notes (id, parent) VALUES (2, 99)').run()
    }),
    batch.write(insert(3)),
  ])
  t.match(settled, [
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'SQLITE_CONSTRAINT_FOREIGNKEY' } },
    { status: 'fulfilled' },
  ])
  t.equal(runs, 3, 'with the others, in a savepoint, alone')
  t.strictSame(seen(), [1, 3])
})

t.test('afterCommit is called for what was committed, and for nothing else', async t => {
  const calls: string[] = []
  const handle = openWriterHandle(join(t.testdir(), 'batch.db'))
  handle.db.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY) STRICT')
  const hooks = { beforeCommit: () => calls.push('before'), afterCommit: () => calls.push('after') }
  const batch = createBatch(handle, silentLog, () => {}, hooks)
  t.teardown(() => {
    batch.close()
    handle.db.close()
  })
  await Promise.all([1, 2].map(id => batch.write(() => handle.sql('INSERT INTO notes (id) VALUES (?)').run(id))))
  t.strictSame(calls.splice(0), ['before', 'after'], 'once for both')
  const refused = () => {
    throw new Error('changed its mind')
  }
  await t.rejects(batch.write(refused))
  t.strictSame(calls.splice(0), ['before', 'after'], 'of a transaction without it')
})

t.test('closing commits what waits, and refuses what comes later', async t => {
  const { batch, insert, seen, commits } = openBatch(t)
  const answer = batch.write(insert(1))
  batch.close()
  t.strictSame(seen(), [1])
  t.equal(await answer, 1)
  await t.rejects(batch.write(insert(2)), { message: 'the store is closed' })
  t.equal(commits(), 0, 'nothing runs on a handle that may be gone')
})

t.test('what comes while a batch is answered goes into the next one', async t => {
  const { batch, insert, seen } = openBatch(t)
  await batch.write(insert(1))
  await Promise.all(Array.from({ length: 5_000 }, (_, index) => batch.write(insert(index + 2))))
  t.equal(seen().length, 5_001, 'also more than fit into one transaction')
})

t.test('two handles on one file: a reader in its own thread sees what the writer answered', async t => {
  const dir = t.testdir()
  const store = openStore(dir, silentLog)
  const reader = openReader(dir)
  t.teardown(() => {
    reader.close()
    store.close()
  })
  const queue = await openForBusiness(store)
  const { jobs } = await store.insertJobs(newJobs(queue, { count: 3 }))
  t.equal((await reader.queryJobs({}, undefined, 10)).jobs.length, jobs.length)
  t.equal((await reader.readDispatchState()).pending, 3)
})

t.test('what has to be durable before a commit and cannot be written undoes it', async t => {
  const dir = t.testdir()
  let isFull = false
  let calls = 0
  const beforeCommit = (): void => {
    calls++
    if (isFull) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
  }
  const store = openStore(dir, silentLog, { beforeCommit })
  t.teardown(() => store.close())
  const queue = await openForBusiness(store)
  isFull = true
  await t.rejects(store.insertJobs(newJobs(queue)), { code: 'E_STORE_FULL' })
  t.equal((await store.readDispatchState()).pending, 0)
  isFull = false
  const before = calls
  await Promise.all([store.insertJobs(newJobs(queue)), store.insertJobs(newJobs(queue)), store.commit()])
  t.equal(calls, before + 1, 'once for all that share a commit')
  t.equal((await store.readDispatchState()).pending, 2)
})

t.test('a store that is opened again has what was answered', async t => {
  const dir = t.testdir()
  const store = openStore(dir, silentLog)
  const queue = await openForBusiness(store)
  const { jobs } = await store.insertJobs(newJobs(queue))
  store.close()
  const again = openStore(dir, silentLog)
  t.teardown(() => again.close())
  t.match(await again.findJob(jobs[0]!), { state: 'PENDING', action: 'compile' })
  t.ok((await again.insertJobs(newJobs(queue))).jobs[0]! > jobs[0]!)
})
