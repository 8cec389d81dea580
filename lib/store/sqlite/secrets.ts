import type { Buffer } from 'node:buffer'
import { JankinsError } from '../../../protocol/errors.js'
import type { JobId, Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { JobSecrets, SealedSecret } from '../secret-store.js'
import type { Queue } from '../store.js'
import type { Handle } from './database.js'
import { findQueue, queueOfAction } from './queues.js'
import { STATE_NUMBERS } from './states.js'

const LIST = `
  SELECT s.name, s.sealed FROM action_secrets s JOIN actions a ON a.id = s.action
  WHERE a.name = ? AND s.replaced_at_ms IS NULL ORDER BY s.name`
// Of each name the oldest value that was not replaced before the job began: times tell the order only where a value was
// replaced, so a clock that was set back hides no secret, and in one ms the answer stays the same.
const OF_JOB = `
  SELECT a.name AS action, s.name, s.sealed, min(s.id)
  FROM jobs j JOIN queues q ON q.id = j.queue JOIN actions a ON a.id = q.action
  JOIN action_secrets s ON s.action = a.id
  WHERE j.id = ? AND (s.replaced_at_ms IS NULL OR (j.state = ${STATE_NUMBERS.RUNNING} AND s.replaced_at_ms >= j.started_at_ms))
  GROUP BY s.name`
const REPLACE = `
  UPDATE action_secrets SET replaced_at_ms = ?
  WHERE action = (SELECT id FROM actions WHERE name = ?) AND name = ? AND replaced_at_ms IS NULL`
const INSERT = 'INSERT INTO action_secrets (action, name, sealed) SELECT id, ?, ? FROM actions WHERE name = ?'
// By the few jobs that run: an index of the jobs of a queue would lead through its history.
const FORGET = `
  DELETE FROM action_secrets AS s
  WHERE action = (SELECT id FROM actions WHERE name = ?) AND replaced_at_ms IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jobs j JOIN queues q ON q.id = +j.queue
    WHERE q.action = s.action AND j.state = ${STATE_NUMBERS.RUNNING} AND j.started_at_ms <= s.replaced_at_ms)`
const SUM = `
  SELECT count(*) AS count, coalesce(sum(length(sealed)), 0) AS bytes FROM action_secrets
  WHERE action = (SELECT id FROM actions WHERE name = ?)`

interface SecretRow {
  readonly name: string
  readonly sealed: Buffer
}

/** @throws JankinsError E_ACTION_NOT_FOUND */
export function listSecretRows(handle: Handle, action: Name): readonly SealedSecret[] {
  queueOfAction(handle, action)
  return handle.sql<SecretRow>(LIST).all(action).map(secretOf)
}

export function findJobSecrets({ sql }: Handle, job: JobId): JobSecrets | undefined {
  const rows = sql<SecretRow & { readonly action: Name }>(OF_JOB).all(job)
  return rows[0] && { action: rows[0].action, secrets: rows.map(secretOf) }
}

/** To be called in a transaction. @throws JankinsError E_ACTION_NOT_FOUND, E_TOO_MANY */
export function putSecretRow(handle: Handle, action: Name, secret: SealedSecret, nowMs: number): Queue {
  const queue = queueOfAction(handle, action)
  const { sql } = handle
  replace(handle, action, secret.secret, nowMs)
  sql(INSERT).run(secret.secret, secret.sealed, action)
  const { count, bytes } = sql<{ count: number; bytes: number }>(SUM).get(action) as { count: number; bytes: number }
  if (count > LIMITS.secretsMax.value) throw new JankinsError('E_TOO_MANY', { secrets: count })
  if (bytes > LIMITS.secretsBytesMax.value) throw new JankinsError('E_TOO_MANY', { secretBytes: bytes })
  return findQueue(handle, queue)
}

/** To be called in a transaction. @throws JankinsError E_ACTION_NOT_FOUND */
export function removeSecretRow(
  handle: Handle,
  action: Name,
  secret: string,
  nowMs: number,
): { changed: boolean; queue: Queue } {
  const queue = queueOfAction(handle, action)
  const changed = replace(handle, action, secret, nowMs)
  return { changed, queue: findQueue(handle, queue) }
}

/** What no running job can have is forgotten for good. */
function replace({ sql }: Handle, action: Name, secret: string, nowMs: number): boolean {
  const { changes } = sql(REPLACE).run(nowMs, action, secret)
  sql(FORGET).run(action)
  return changes > 0
}

const secretOf = ({ name, sealed }: SecretRow): SealedSecret => ({ secret: name, sealed })
