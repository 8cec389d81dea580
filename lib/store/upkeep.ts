import { join } from 'node:path'
import { checkNotNewer } from './migrate.js'
import { DATABASE_FILE } from './open.js'
import { openReaderHandle } from './sqlite/database.js'

/**
 * Copies the database as it is at one moment into a new file, while a daemon may go on writing.
 * @throws SqliteError when there is no database, or `path` is there already
 */
export function copyDatabase(dataDir: string, path: string): void {
  const { db } = openReaderHandle(join(dataDir, DATABASE_FILE))
  try {
    db.prepare('VACUUM INTO ?').run(path)
  } finally {
    db.close()
  }
}

/**
 * What is wrong with the database inside, at most a hundred sentences; none when all is well. Reads all of it.
 * @throws StoreVersionError when it is newer than this release, SqliteError when there is none
 */
export function findDamage(dataDir: string): readonly string[] {
  const { db } = openReaderHandle(join(dataDir, DATABASE_FILE))
  try {
    checkNotNewer(db)
    const rows = db.pragma('quick_check') as { readonly quick_check: string }[]
    const orphans = db.pragma('foreign_key_check') as { readonly table: string; readonly rowid: number }[]
    return [
      ...rows.map(row => row.quick_check).filter(text => text !== 'ok'),
      ...orphans.slice(0, 20).map(({ table, rowid }) => `row ${rowid} of ${table} refers to nothing`),
    ]
  } finally {
    db.close()
  }
}
