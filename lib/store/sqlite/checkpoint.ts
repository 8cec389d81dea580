import type { Log } from '../../base/log.js'
import type { Handle } from './database.js'

/** Pages of 4 KiB in the write-ahead log, from which on it is brought into the database, and restarted by force. */
const PAGES = { passive: 2_000, restart: 16_000 }
/** How long all writes may be held up by a reader, once per PAGES.restart. */
const RESTART_WAIT_MS = 20

interface Progress {
  readonly busy: number
  /** Pages in the log, and how many of them are in the database too. */
  readonly log: number
  readonly checkpointed: number
}

/**
 * Brings the write-ahead log into the database, between batches, so that no commit waits for it. PASSIVE waits for
 * nobody; but the log starts over only when no reader uses it at that moment, and under readers without a pause it
 * would grow for ever: so a long one is restarted with a short wait (new readers go past the log by then).
 */
export function createCheckpoints({ db, sql }: Handle, log: Log, pagesMax = PAGES): () => void {
  let restartAtPages = pagesMax.restart
  let passiveAtPages = pagesMax.passive

  function checkpoint(): void {
    const { log: pages, checkpointed } = run('NOOP')
    if (pages < passiveAtPages) {
      if (pages < pagesMax.passive) passiveAtPages = pagesMax.passive
      return
    }
    if (checkpointed < pages) run('PASSIVE')
    // The same pages again would be looked at after every commit while a reader pins the log.
    passiveAtPages = pages + pagesMax.passive
    if (pages < pagesMax.restart) restartAtPages = pagesMax.restart
    if (pages >= restartAtPages) restart(pages)
  }

  function restart(pages: number): void {
    db.pragma(`busy_timeout = ${RESTART_WAIT_MS}`)
    try {
      const { busy } = run('RESTART')
      restartAtPages = busy ? pages + pagesMax.restart : pagesMax.restart
      if (busy) log.warn('a reader holds the write-ahead log of the database: it grows', { pages })
    } finally {
      db.pragma('busy_timeout = 5000')
    }
  }

  function run(mode: 'NOOP' | 'PASSIVE' | 'RESTART'): Progress {
    return sql<Progress>(`PRAGMA wal_checkpoint(${mode})`).get() as Progress
  }

  return () => {
    try {
      checkpoint()
    } catch (error) {
      // Nothing is lost: the log holds what the database lacks, and the next checkpoint tries again.
      log.warn('a checkpoint of the database failed', { error: String(error) })
    }
  }
}
