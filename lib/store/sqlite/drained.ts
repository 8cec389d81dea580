import type { Name } from '../../../protocol/ids.js'
import type { Handle } from './database.js'

const DRAIN = 'INSERT INTO drained_workers (worker, user, since_ms) VALUES (?, ?, ?) ON CONFLICT (worker) DO NOTHING'
const UNDRAIN = 'DELETE FROM drained_workers WHERE worker = ?'
const LIST = 'SELECT worker FROM drained_workers'

/** To be called in a transaction. */
export function putDrained(
  { sql }: Handle,
  worker: Name,
  user: Name,
  isDrained: boolean,
  nowMs: number,
): { changed: boolean } {
  const { changes } = isDrained ? sql(DRAIN).run(worker, user, nowMs) : sql(UNDRAIN).run(worker)
  return { changed: changes > 0 }
}

export const listDrainedRows = ({ sql }: Handle): readonly Name[] =>
  sql<{ worker: Name }>(LIST)
    .all()
    .map(({ worker }) => worker)
