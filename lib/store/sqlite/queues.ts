import { JankinsError } from '../../../protocol/errors.js'
import * as f from '../../../protocol/fields.js'
import type { Name } from '../../../protocol/ids.js'
import { assert } from '../../base/assert.js'
import { sortedLabels } from '../../domain/action.js'
import type { Queue, QueueId } from '../store.js'
import { present } from './columns.js'
import type { Handle } from './database.js'
import { storedJson } from './stored-json.js'

const QUEUES = `
  SELECT q.id, q.labels, q.running_max, a.name, coalesce(a.active, 1) AS active,
    EXISTS (SELECT 1 FROM action_secrets s WHERE s.action = q.action AND s.replaced_at_ms IS NULL) AS has_secrets
  FROM queues q LEFT JOIN actions a ON a.id = q.action`
const FIND_QUEUE = `${QUEUES} WHERE q.id = ?`
const OPEN_EXEC = 'INSERT INTO queues (labels) VALUES (?) ON CONFLICT (labels) WHERE action IS NULL DO NOTHING'
const FIND_EXEC = `${QUEUES} WHERE q.labels = ? AND q.action IS NULL`
const QUEUE_OF_ACTION = 'SELECT q.id FROM actions a JOIN queues q ON q.action = a.id WHERE a.name = ?'

interface QueueRow {
  readonly id: number
  readonly labels: string
  readonly running_max: number | null
  readonly name: Name | null
  readonly active: number
  readonly has_secrets: number
}

export const listQueues = ({ sql }: Handle): Queue[] => sql<QueueRow>(QUEUES).all().map(queueOf)

export function findQueue({ sql }: Handle, id: QueueId): Queue {
  const row = sql<QueueRow>(FIND_QUEUE).get(id)
  assert(row, `no queue ${id}`)
  return queueOf(row)
}

/** To be called in a transaction. */
export function openExecQueueRow({ sql }: Handle, labels: readonly string[]): Queue {
  const text = JSON.stringify(sortedLabels(labels))
  sql(OPEN_EXEC).run(text)
  const row = sql<QueueRow>(FIND_EXEC).get(text)
  assert(row, 'the queue that was just made')
  return queueOf(row)
}

/** @throws JankinsError E_ACTION_NOT_FOUND */
export function queueOfAction({ sql }: Handle, action: Name): QueueId {
  const row = sql<{ id: number }>(QUEUE_OF_ACTION).get(action)
  if (!row) throw new JankinsError('E_ACTION_NOT_FOUND', { action })
  return row.id
}

function queueOf(row: QueueRow): Queue {
  const labels = storedJson(f.labels, row.labels)
  return present<Queue>({
    id: row.id,
    action: row.name,
    labels: labels ?? [],
    active: row.active === 1 && labels !== undefined,
    runningMax: row.running_max,
    hasSecrets: row.has_secrets === 1 || undefined,
    fault: labels === undefined ? 'its labels are damaged' : undefined,
  })
}
