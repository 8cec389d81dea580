import { join } from 'node:path'
import Database from 'better-sqlite3'

/** Every row of every table but SQLite’s own of a data directory's database, as text. */
export function dumpDatabase(dataDir: string): string {
  const db = new Database(join(dataDir, 'jankins.db'), { readonly: true })
  const tables = db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .pluck()
    .all() as string[]
  const rows = tables.map(table => [table, db.prepare(`SELECT * FROM "${table}"`).raw().all()])
  db.close()
  return JSON.stringify(rows)
}
