import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Database } from 'better-sqlite3'

/** Beside this file in the sources and in dist/ alike. */
export const SQLITE_MIGRATIONS = fileURLToPath(new URL('./migrations/sqlite', import.meta.url))

/** The database was made by a newer release: nothing was changed. The message says what to do. */
export class StoreVersionError extends Error {
  override readonly name = 'StoreVersionError'
}

/**
 * Brings the database to the newest version: each missing NNNN_name.sql of `folder` in order, each in a transaction of
 * its own. The version is PRAGMA user_version; two processes that do this at once do it once.
 * @returns the versions before and after
 * @throws StoreVersionError when the database is newer than the files
 */
export function migrate(db: Database, folder: string = SQLITE_MIGRATIONS): { before: number; after: number } {
  const files = migrationFiles(folder)
  const before = versionOf(db)
  checkVersion(before, files.length, db.name)
  for (const [index, file] of files.entries()) {
    if (index < before) continue
    // A migration may rebuild a table that others refer to: references are checked when it is done.
    db.pragma('foreign_keys = OFF')
    try {
      db.transaction(() => apply(db, index + 1, join(folder, file))).immediate()
    } finally {
      db.pragma('foreign_keys = ON')
    }
  }
  return { before, after: versionOf(db) }
}

/** @throws StoreVersionError when a reader of this release cannot know what the columns mean */
export function checkNotNewer(db: Database, folder: string = SQLITE_MIGRATIONS): void {
  checkVersion(versionOf(db), migrationFiles(folder).length, db.name)
}

function checkVersion(version: number, versionKnown: number, path: string): void {
  if (version > versionKnown)
    throw new StoreVersionError(
      `${path} was made by a newer jankinsd (database version ${version}, this one knows ${versionKnown}): ` +
        'start that release, or restore the copy of the data directory from before the upgrade',
    )
}

function apply(db: Database, version: number, path: string): void {
  if (versionOf(db) >= version) return
  db.exec(readFileSync(path, 'utf8'))
  const broken = db.pragma('foreign_key_check') as unknown[]
  if (broken.length > 0) throw new Error(`${path} leaves ${broken.length} rows that refer to nothing`)
  db.pragma(`user_version = ${version}`)
}

/** Their names, in order. The numbers count from 1 without a gap, so that a file that is missing is noticed. */
function migrationFiles(folder: string): string[] {
  const files = readdirSync(folder)
    .filter(name => name.endsWith('.sql'))
    .sort()
  for (const [index, file] of files.entries())
    if (Number.parseInt(file, 10) !== index + 1) throw new Error(`${folder}: migration ${index + 1} is missing`)
  return files
}

const versionOf = (db: Database): number => db.pragma('user_version', { simple: true }) as number
