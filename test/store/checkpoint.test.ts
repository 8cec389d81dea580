import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { silentLog } from '../../lib/base/log.js'
import { createCheckpoints } from '../../lib/store/sqlite/checkpoint.js'
import { openWriterHandle } from '../../lib/store/sqlite/database.js'

function open(t: Test) {
  const path = join(t.testdir(), 'log.db')
  const handle = openWriterHandle(path)
  handle.db.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)')
  const reader = new Database(path, { readonly: true })
  t.teardown(() => {
    reader.close()
    handle.db.close()
  })
  const warnings: string[] = []
  const checkpoint = createCheckpoints(
    handle,
    { ...silentLog, warn: message => warnings.push(message) },
    { passive: 20, restart: 60 },
  )
  // About two pages each: the text's and the table's.
  const write = (count: number) => {
    for (let n = 0; n < count; n++) {
      handle.sql('INSERT INTO notes (text) VALUES (?)').run('x'.repeat(4_000))
      checkpoint()
    }
  }
  const pages = () => (handle.db.pragma('wal_checkpoint(NOOP)') as [{ log: number; checkpointed: number }])[0]
  return { handle, reader, warnings, write, pages }
}

t.test('the write-ahead log starts over again and again, and stays short', async t => {
  const { write, pages, warnings } = open(t)
  for (let n = 0; n < 10; n++) {
    write(20)
    t.ok(pages().log < 60, `${pages().log} pages`)
  }
  t.strictSame(warnings, [])
})

t.test('a reader that pins the log holds no write up, is told of, and the log is short again after it', async t => {
  const { handle, reader, write, pages, warnings } = open(t)
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM notes').get()
  write(100)
  t.equal(handle.db.prepare('SELECT count(*) FROM notes').pluck().get(), 100)
  t.equal(reader.prepare('SELECT count(*) FROM notes').pluck().get(), 0, 'the reader keeps its snapshot')
  t.ok(pages().log >= 100)
  t.ok(warnings.length >= 1 && warnings.length <= 1 + pages().log / 60, `${warnings.length} warnings`)
  t.match(warnings[0], /a reader holds/)
  t.equal(handle.db.pragma('busy_timeout', { simple: true }), 5_000)
  reader.exec('COMMIT')
  write(40)
  t.ok(pages().log < 60, `${pages().log} pages`)
})

t.test('a checkpoint that fails is told of and breaks nothing', async t => {
  const { handle, write, warnings } = open(t)
  write(5)
  handle.db.exec('BEGIN')
  handle.sql('INSERT INTO notes (text) VALUES (?)').run('x'.repeat(200_000))
  handle.db.exec('COMMIT')
  handle.db.exec('BEGIN IMMEDIATE')
  write(1)
  t.match(warnings[0], /checkpoint of the database failed/)
  handle.db.exec('COMMIT')
  write(1)
  t.equal(warnings.length, 1)
})
