import { closeSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'

/** Gives the prepared statement of a text, prepared once per handle. Rows are what `Row` says: SQL is not checked. */
export type Sql = <Row = unknown>(text: string) => Database.Statement<unknown[], Row>

export interface Handle {
  readonly db: Database.Database
  readonly sql: Sql
  /** As `sql`, for what is read most: rows come as tuples of their columns, at half the cost of objects. */
  readonly tuples: Sql
}

/** FULL: what is committed outlives a power loss. OFF: nothing is waited for. */
export type Synchronous = 'FULL' | 'OFF'

/** How long a handle waits for another process that holds the database. */
const BUSY_MS = 5_000

/** The one handle that writes. Makes the file, readable by its owner only: it holds the keys of accounts. */
export function openWriterHandle(path: string, synchronous: Synchronous = 'FULL'): Handle {
  closeSync(openSync(path, 'a', 0o600))
  const db = new Database(path, { timeout: BUSY_MS })
  db.pragma('journal_mode = WAL')
  db.pragma(`synchronous = ${synchronous}`)
  db.pragma('foreign_keys = ON')
  db.pragma('cache_size = -32000')
  // Checkpoints are made between batches, when their operations are answered: see checkpoint.ts.
  db.pragma('wal_autocheckpoint = 0')
  db.pragma('journal_size_limit = 67108864')
  return handleOf(db)
}

/** A handle of a thread that only reads. @throws SqliteError when there is no database */
export function openReaderHandle(path: string): Handle {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS })
  db.pragma('cache_size = -4000')
  return handleOf(db)
}

function handleOf(db: Database.Database): Handle {
  return {
    db,
    sql: preparing(text => db.prepare(text)),
    tuples: preparing(text => db.prepare(text).raw()),
  }
}

function preparing(prepare: (text: string) => Database.Statement<unknown[], unknown>): Sql {
  const statements = new Map<string, Database.Statement<unknown[], unknown>>()
  return <Row>(text: string) => {
    let statement = statements.get(text)
    if (!statement) {
      statement = prepare(text)
      statements.set(text, statement)
    }
    return statement as Database.Statement<unknown[], Row>
  }
}

/** Runs several reads on one snapshot. */
export function inSnapshot<T>({ db, sql }: Handle, read: () => T): T {
  if (db.inTransaction) return read()
  sql('BEGIN').run()
  try {
    return read()
  } finally {
    sql('COMMIT').run()
  }
}
