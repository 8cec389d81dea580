import { join } from 'node:path'
import Database from 'better-sqlite3'

/**
 * Holds the data directory for this process: an exclusive transaction on a database of its own, which ends with the
 * process however that ends and shuts no reader of the real database out. Node has no flock.
 * @returns undefined when another process holds it
 * @throws Error with a `code` when the file cannot be used
 */
export function takeDataLock(dataDir: string): { release(): void } | undefined {
  const lock = new Database(join(dataDir, 'lock.db'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return { release: () => lock.close() }
  } catch (error) {
    lock.close()
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined
    throw error
  }
}
