import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/** A database of its own, like lock.db: who backs up shares it, and who removes files looks whether anybody does. */
const LOCK_FILE = 'backup-lock.db'

/** Whether a backup of a data directory is being written. */
export interface BackupLock {
  isTaken(): boolean
  close(): void
}

/** For who removes files. @throws Error with a `code` when the file cannot be used */
export function openBackupLock(dataDir: string): BackupLock {
  const db = new Database(join(dataDir, LOCK_FILE), { timeout: 0 })
  db.pragma('journal_mode = MEMORY')
  return {
    isTaken() {
      try {
        db.exec('BEGIN EXCLUSIVE; ROLLBACK')
        return false
      } catch (error) {
        if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return true
        throw error
      }
    },
    close: () => db.close(),
  }
}

/** Taken by several backups at once; ends with the process however that ends. */
export function takeBackupLock(dataDir: string): { release(): void } {
  const path = join(dataDir, LOCK_FILE)
  // Where there is none nobody removes. One that root made here could not be used by the daemon.
  if (!existsSync(path)) return { release() {} }
  const db = new Database(path, { readonly: true })
  db.exec('BEGIN; SELECT count(*) FROM sqlite_master')
  return { release: () => db.close() }
}
