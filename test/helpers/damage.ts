import { join } from 'node:path'
import Database from 'better-sqlite3'

/** What a hand, or a disk, may do to the rows of a database: also what its own rules forbid. */
export function damage(dataDir: string, sql: string): void {
  const db = new Database(join(dataDir, 'jankins.db'))
  db.pragma('foreign_keys = OFF')
  db.prepare(sql).run()
  db.close()
}
