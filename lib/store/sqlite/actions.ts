import { JankinsError } from '../../../protocol/errors.js'
import type { Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { type ActionView, definition } from '../../../protocol/views.js'
import type { CompleteDefinition } from '../../domain/action.js'
import type { ActionFacts, Queue } from '../store.js'
import { type StoredDefinition, storeDefinition } from '../texts.js'
import type { Handle } from './database.js'
import { findQueue, queueOfAction } from './queues.js'
import { storedJson } from './stored-json.js'

const ACTIONS = `
  SELECT a.id, a.name, a.active, a.version, v.definition FROM actions a LEFT JOIN action_versions v ON v.id = a.version`
const FIND = `${ACTIONS} WHERE a.name = ?`
const LIST = `${ACTIONS} WHERE a.name > ? ORDER BY a.name LIMIT ?`
const FIND_FACTS = `
  SELECT q.id AS queue, a.created_at_ms FROM actions a JOIN queues q ON q.action = a.id WHERE a.name = ?`
const COUNT_PENDING = `
  SELECT count(*) AS count
  FROM (SELECT 1 FROM jobs INDEXED BY jobs_pending WHERE state = 1 AND queue = ? LIMIT ?)`
const PUT_VERSION = `
  INSERT INTO action_versions (action, sha256, definition, view) VALUES (?, ?, ?, ?)
  ON CONFLICT (action, sha256) DO UPDATE SET definition = excluded.definition, view = excluded.view`
const FIND_VERSION = 'SELECT id FROM action_versions WHERE action = ? AND sha256 = ?'
const INSERT = 'INSERT INTO actions (name, active, version, created_at_ms) VALUES (?, 1, ?, ?)'
const INSERT_QUEUE = 'INSERT INTO queues (action, labels, running_max) VALUES (?, ?, ?)'
const SET_VERSION = 'UPDATE actions SET version = ? WHERE id = ?'
const SET_QUEUE = 'UPDATE queues SET labels = ?, running_max = ? WHERE action = ?'
const SET_ACTIVE = 'UPDATE actions SET active = ? WHERE id = ?'

interface ActionRow {
  readonly id: number
  readonly name: Name
  readonly active: number
  readonly version: number
  /** Null where its row is missing. */
  readonly definition: string | null
}

export function findActionRow({ sql }: Handle, action: Name): ActionView | undefined {
  const row = sql<ActionRow>(FIND).get(action)
  return row && viewOf(row)
}

export function findActionFactsRow({ sql }: Handle, action: Name): ActionFacts | undefined {
  const row = sql<{ queue: number; created_at_ms: number }>(FIND_FACTS).get(action)
  if (!row) return undefined
  const { count } = sql<{ count: number }>(COUNT_PENDING).get(row.queue, LIMITS.pageVisitedMax.value) as {
    count: number
  }
  return { createdAtMs: row.created_at_ms, pending: count }
}

/** At most `limit` actions behind `after`, by name in the order of their bytes. */
export const listActionRows = ({ sql }: Handle, after: Name | undefined, limit: number): ActionView[] =>
  sql<ActionRow>(LIST)
    .all(after ?? '', limit)
    .map(viewOf)

/** To be called in a transaction. @throws JankinsError E_ACTION_EXISTS */
export function putActionRow(
  handle: Handle,
  action: Name,
  definition: CompleteDefinition,
  replace: boolean,
  nowMs: number,
): { changed: boolean; queue: Queue } {
  const row = handle.sql<ActionRow>(FIND).get(action)
  const stored = storeDefinition(definition)
  const changed = row?.definition !== stored.json
  if (row && changed && !replace) throw new JankinsError('E_ACTION_EXISTS', { action })
  if (!row) insertAction(handle, action, definition, stored, nowMs)
  else if (changed || isDamaged(handle, action)) changeAction(handle, row, definition, stored)
  return { changed, queue: findQueue(handle, queueOfAction(handle, action)) }
}

/** To be called in a transaction. @throws JankinsError E_ACTION_NOT_FOUND */
export function putActionActive(handle: Handle, action: Name, active: boolean): { changed: boolean; queue: Queue } {
  const row = handle.sql<ActionRow>(FIND).get(action)
  if (!row) throw new JankinsError('E_ACTION_NOT_FOUND', { action })
  const changed = (row.active === 1) !== active
  if (changed) handle.sql(SET_ACTIVE).run(active ? 1 : 0, row.id)
  return { changed, queue: findQueue(handle, queueOfAction(handle, action)) }
}

const isDamaged = (handle: Handle, action: Name): boolean =>
  findQueue(handle, queueOfAction(handle, action)).fault !== undefined

function insertAction(
  handle: Handle,
  action: Name,
  definition: CompleteDefinition,
  stored: StoredDefinition,
  nowMs: number,
): void {
  const { sql } = handle
  const { lastInsertRowid } = sql(INSERT).run(action, putVersion(handle, action, stored), nowMs)
  sql(INSERT_QUEUE).run(lastInsertRowid, JSON.stringify(definition.labels), definition.runningMax ?? null)
}

function changeAction(handle: Handle, row: ActionRow, definition: CompleteDefinition, stored: StoredDefinition): void {
  const { sql } = handle
  sql(SET_VERSION).run(putVersion(handle, row.name, stored), row.id)
  sql(SET_QUEUE).run(JSON.stringify(definition.labels), definition.runningMax ?? null, row.id)
}

/** A definition that the action had before keeps its row, and is whole again if it was damaged. */
function putVersion({ sql }: Handle, action: Name, stored: StoredDefinition): number {
  sql(PUT_VERSION).run(action, stored.sha256, stored.json, stored.view)
  return (sql<{ id: number }>(FIND_VERSION).get(action, stored.sha256) as { id: number }).id
}

const viewOf = (row: ActionRow): ActionView => ({
  action: row.name,
  active: row.active === 1,
  ...storedJson(definition, row.definition),
})
