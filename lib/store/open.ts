import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../base/log.js'
import { checkNotNewer, migrate } from './migrate.js'
import { type BatchHooks, createBatch } from './sqlite/batch.js'
import { createCheckpoints } from './sqlite/checkpoint.js'
import { openReaderHandle, openWriterHandle, type Synchronous } from './sqlite/database.js'
import { createReader } from './sqlite/reader.js'
import { createStoreWriter } from './sqlite/writer.js'
import type { Store, StoreReader } from './store.js'

export const DATABASE_FILE = 'jankins.db'

export interface StoreOptions extends BatchHooks {
  /** OFF only where nothing has to outlive this process; FULL by default. */
  readonly synchronous?: Synchronous
}

/**
 * Opens the store for the one thread that writes; makes and migrates the database when need be. That no other process
 * writes is up to the caller.
 * @throws StoreVersionError (migrate.ts) when the database is newer than this release, and Error with a `code` when the
 *   directory or the file cannot be used
 */
export function openStore(dataDir: string, log: Log, options: StoreOptions = {}): Store {
  const { synchronous = 'FULL', ...hooks } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const handle = openWriterHandle(join(dataDir, DATABASE_FILE), synchronous)
  try {
    const { before, after } = migrate(handle.db)
    if (before !== after) log.info('the database was brought up to date', { before, after })
  } catch (error) {
    handle.db.close()
    throw error
  }
  const batch = createBatch(handle, log, createCheckpoints(handle, log), hooks)
  return {
    ...createReader(handle),
    ...createStoreWriter(handle, batch.write),
    close() {
      batch.close()
      handle.db.close()
    },
  }
}

/**
 * Opens the store for a thread that reads, on a handle of its own. The database is there already.
 * @throws StoreVersionError, and SqliteError when there is no database
 */
export function openReader(dataDir: string): StoreReader & { close(): void } {
  const handle = openReaderHandle(join(dataDir, DATABASE_FILE))
  try {
    checkNotNewer(handle.db)
  } catch (error) {
    handle.db.close()
    throw error
  }
  return {
    ...createReader(handle),
    close() {
      handle.db.close()
    },
  }
}
