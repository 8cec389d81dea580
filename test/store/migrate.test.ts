import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { silentLog } from '../../lib/base/log.js'
import { migrate, SQLITE_MIGRATIONS, StoreVersionError } from '../../lib/store/migrate.js'
import { openReader, openStore } from '../../lib/store/open.js'
import { STATE_NUMBERS } from '../../lib/store/sqlite/states.js'
import type { Sha256 } from '../../protocol/ids.js'
import { newJobs, openForBusiness } from './samples.js'

const newest = readdirSync(SQLITE_MIGRATIONS).length

t.test('a new database is at the newest version, and is readable by its owner only', async t => {
  const dir = join(t.testdir(), 'made', 'here')
  openStore(dir, silentLog).close()
  const db = new Database(join(dir, 'jankins.db'))
  t.teardown(() => db.close())
  t.equal(db.pragma('user_version', { simple: true }), newest)
  t.equal(db.pragma('journal_mode', { simple: true }), 'wal')
  t.equal(statSync(join(dir, 'jankins.db')).mode & 0o777, 0o600)
  t.equal(statSync(dir).mode & 0o777, 0o700)
  const states = db.prepare('SELECT name, id FROM job_states').raw().all() as [string, number][]
  t.strictSame(Object.fromEntries(states), STATE_NUMBERS)
})

t.test('an older database is brought forward, step by step, with its rows', async t => {
  const dir = t.testdir()
  const folder = join(dir, 'migrations')
  cpSync(SQLITE_MIGRATIONS, folder, { recursive: true })
  const store = openStore(dir, silentLog)
  const queue = await openForBusiness(store)
  await store.insertJobs(newJobs(queue, { count: 2 }))
  store.close()
  const step = (n: number) => `${String(newest + n).padStart(4, '0')}_more.sql`
  writeFileSync(join(folder, step(1)), "ALTER TABLE jobs ADD COLUMN note TEXT NOT NULL DEFAULT 'none'")
  // A table that others refer to is rebuilt: what refers to it stays.
  writeFileSync(
    join(folder, step(2)),
    `CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT, mail TEXT);
     INSERT INTO users_new SELECT id, name, NULL FROM users; DROP TABLE users; ALTER TABLE users_new RENAME TO users;`,
  )
  const db = new Database(join(dir, 'jankins.db'))
  t.teardown(() => db.close())
  t.strictSame(migrate(db, folder), { before: newest, after: newest + 2 })
  t.strictSame(migrate(db, folder), { before: newest + 2, after: newest + 2 })
  t.strictSame(db.prepare('SELECT note FROM jobs').pluck().all(), ['none', 'none'])
  t.equal(db.pragma('foreign_keys', { simple: true }), 1)
  t.strictSame(db.pragma('foreign_key_check'), [])
})

t.test('an upgrade knows which jobs have files, and which bundles are needed', async t => {
  const dir = t.testdir()
  const folder = join(dir, 'before')
  cpSync(SQLITE_MIGRATIONS, folder, { recursive: true })
  const retention = readdirSync(folder).findIndex(name => name.endsWith('_retention.sql'))
  for (const name of readdirSync(folder).slice(retention)) rmSync(join(folder, name))
  const db = new Database(join(dir, 'jankins.db'))
  migrate(db, folder)
  db.exec(`
    INSERT INTO users (id, name, role, may_exec, created_at_ms) VALUES (1, 'ada', 'user', 0, 1);
    INSERT INTO queues (id, labels) VALUES (5, '[]');
    INSERT INTO jobs (id, state, queue, user, priority, attempt, retries_left, queued_at_ms, ended_at_ms, log_bytes,
      artifact_bytes, bundle)
    VALUES (1, 3, 5, 1, 0, 1, 0, 1, 20, 7, 5, x'aa'), (2, 5, 5, 1, 0, 1, 0, 2, NULL, NULL, NULL, NULL),
      (3, 1, 5, 1, 0, 1, 0, 3, NULL, NULL, NULL, x'aa'), (4, 2, 5, 1, 0, 1, 0, 4, NULL, NULL, NULL, x'bb')`)
  db.close()
  const store = openStore(dir, silentLog)
  t.teardown(() => store.close())
  t.strictSame(await store.listKept(undefined, 9), [{ queue: 5, jobs: 2, bytes: 12 }])
  t.strictSame(await store.readOldestKept(5, 9), [
    { job: 2, endedAtMs: 2, bytes: 0 },
    { job: 1, endedAtMs: 20, bytes: 12 },
  ])
  const bundles = ['aa', 'bb', 'cc'] as Sha256[]
  t.strictSame(await store.findUnusedBundles(bundles), ['cc'])
})

t.test('a migration that fails leaves the database as it was', async t => {
  const dir = t.testdir({ migrations: {} })
  const folder = join(dir, 'migrations')
  writeFileSync(join(folder, '0001_init.sql'), 'CREATE TABLE a (b INTEGER PRIMARY KEY, c REFERENCES a (b))')
  writeFileSync(join(folder, '0002_bad.sql'), 'CREATE TABLE d (e); INSERT INTO nowhere VALUES (1)')
  const db = new Database(join(dir, 'x.db'))
  t.teardown(() => db.close())
  t.throws(() => migrate(db, folder), { message: /nowhere/ })
  t.equal(db.pragma('user_version', { simple: true }), 1)
  t.strictSame(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all(), ['a'])
  writeFileSync(join(folder, '0002_bad.sql'), 'INSERT INTO a (c) VALUES (7)')
  t.throws(() => migrate(db, folder), { message: /leaves 1 rows that refer to nothing/ })
  t.equal(db.prepare('SELECT count(*) FROM a').pluck().get(), 0)
})

t.test('a migration that is missing is noticed', async t => {
  const folder = t.testdir({ '0001_init.sql': '', '0003_more.sql': '' })
  t.throws(() => migrate(new Database(':memory:'), folder), { message: /migration 2 is missing/ })
})

t.test('a database of a newer release is refused with what to do, and left alone', async t => {
  const dir = t.testdir()
  openStore(dir, silentLog).close()
  const path = join(dir, 'jankins.db')
  const db = new Database(path)
  db.pragma(`user_version = ${newest + 1}`)
  db.close()
  const before = readFileSync(path)
  for (const open of [() => openStore(dir, silentLog), () => openReader(dir)]) {
    t.throws(open, StoreVersionError)
    t.throws(open, { message: new RegExp(`${path}.*version ${newest + 1}.*start that release`) })
  }
  t.ok(before.equals(readFileSync(path)))
})

t.test('a database can be opened twice: it is made once', async t => {
  const dir = t.testdir()
  const stores = [openStore(dir, silentLog), openStore(dir, silentLog)]
  t.teardown(() => {
    for (const store of stores) store.close()
  })
  const [one, two] = stores as [(typeof stores)[0], (typeof stores)[0]]
  const queue = await openForBusiness(one)
  const request = newJobs(queue)
  const [first, second] = await Promise.all([one.insertJobs(request), two.insertJobs(request)])
  t.strictSame(first?.jobs, second?.jobs)
  t.not(first?.repeated, second?.repeated)
})

t.test('a reader needs a database', async t => {
  t.throws(() => openReader(t.testdir()), { code: 'SQLITE_CANTOPEN' })
})
