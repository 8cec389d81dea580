import type { StoreWriter } from '../store.js'
import type { Write } from './batch.js'
import type { Handle } from './database.js'

const LAST = 'SELECT max(id) AS id FROM jobs'
/** Only the first job of a request has a key: the others of it are passed over, LIMITS.jobsPerQueueMax at most. */
export const PROBE = `
  SELECT request_key IS NOT NULL AS keyed FROM jobs NOT INDEXED WHERE id >= ? AND batch_of IS NULL ORDER BY id LIMIT 1`
export const OLDEST = 'SELECT id, queued_at_ms FROM jobs NOT INDEXED WHERE id > ? ORDER BY id LIMIT ?'
export const FORGET =
  'UPDATE jobs NOT INDEXED SET request_key = NULL WHERE id > ? AND id <= ? AND request_key IS NOT NULL'

/**
 * Keys go in the order of ids, so those that are left are behind one id. That id is not stored anywhere: the first call
 * finds it by halving, later ones go on from where the last one ended.
 */
export function forgetKeys(handle: Handle, write: Write): StoreWriter['forgetRequestKeys'] {
  let forgottenTo: number | undefined
  return async (queuedBeforeMs, rowsMax) => {
    const from = forgottenTo ?? findForgotten(handle)
    forgottenTo = from
    const rows = handle.sql<{ id: number; queued_at_ms: number }>(OLDEST).all(from, rowsMax)
    const young = rows.findIndex(row => row.queued_at_ms >= queuedBeforeMs)
    const old = young < 0 ? rows : rows.slice(0, young)
    const to = old.at(-1)?.id
    if (to === undefined) return { more: false }
    await write(() => {
      handle.sql(FORGET).run(from, to)
    })
    forgottenTo = to
    return { more: old.length === rowsMax }
  }
}

/** The largest id up to which no job has a key. */
function findForgotten({ sql }: Handle): number {
  let low = 0
  let high = sql<{ id: number | null }>(LAST).get()?.id ?? 0
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const found = sql<{ keyed: number }>(PROBE).get(middle)
    if (found?.keyed === 0) low = middle
    else high = middle - 1
  }
  return low
}
