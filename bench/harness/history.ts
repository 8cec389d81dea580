import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { logPaths } from '../../lib/blobs/paths.js'
import type { JobId } from '../../protocol/ids.js'
import { ACTION } from '../load/queue.js'
import { addAction, startDaemon } from './daemon.js'
import { endProcess, Scope } from './scope.js'

/** Names of what the history is made of. */
export const HISTORY = {
  actions: Array.from({ length: 20 }, (_, index) => `history-${index}`),
  users: ['admin', 'first', 'second', 'third'],
  workers: 50,
  /** Its limit is one job at once: what waits waits for it. */
  blocked: 'blocked',
} as const

const CHUNK_ROWS = 250_000
/** So long ago was the first job queued, ms. */
const AGE_MS = 90 * 86_400_000

export interface Counts {
  readonly ended: number
  /** Behind the limit of their action. */
  readonly waiting: number
}

/**
 * Makes a data directory with many jobs. What the daemon does by itself, it did: schema, actions and the first account
 * are its own.
 */
export async function fillHistory(
  dataDir: string,
  counts: Counts,
  tell: (done: number) => void = () => {},
): Promise<void> {
  const scope = new Scope()
  try {
    const { client, child } = await startDaemon(scope, { dataDir })
    for (const action of HISTORY.actions) await addAction(client, action, { command: ['true'] })
    await addAction(client, HISTORY.blocked, { command: ['true'], runningMax: 1 })
    client.destroy()
    const ended = once(child, 'exit')
    await endProcess(child)
    await ended.catch(() => {})
  } finally {
    await scope.end()
  }
  const db = new Database(join(dataDir, 'jankins.db'))
  try {
    fill(db, counts, tell)
  } finally {
    db.close()
  }
}

/** Rows as the daemon would have left them: spread over actions, users, workers and ends by their number. */
function fill(db: Database.Database, { ended: count, waiting }: Counts, tell: (done: number) => void): void {
  db.pragma('journal_mode = OFF')
  db.pragma('synchronous = OFF')
  db.pragma('cache_size = -1000000')
  const addUser = db.prepare(
    "INSERT INTO users (name, role, state, may_exec, created_at_ms) VALUES (?, 'user', 'active', 0, 0) ON CONFLICT DO NOTHING",
  )
  for (const user of HISTORY.users) addUser.run(user)
  const queues = idsOf(db, HISTORY.actions)
  const users = HISTORY.users.map(user => idOf(db, 'SELECT id FROM users WHERE name = ?', user))
  const [blocked] = idsOf(db, [HISTORY.blocked])
  const [version] = db.prepare('SELECT version FROM actions WHERE name = ?').pluck().all(ACTION)
  const common = { count, nowMs: Date.now(), ageMs: AGE_MS, version }
  const parameters = JSON.stringify([['PARAMETER', 'x'.repeat(100)]])
  const insert = db.prepare(`
    WITH RECURSIVE rows (n) AS (SELECT CAST(:from AS INTEGER) UNION ALL SELECT n + 1 FROM rows WHERE n + 1 < :to)
    INSERT INTO jobs (state, queue, user, priority, attempt, retries_left, queued_at_ms, started_at_ms, ended_at_ms, pid,
      version, request_count, exit_code, log_bytes, artifact_bytes, worker, worker_user, tree_layer, lease, reason,
      parameters)
    SELECT CASE WHEN n % 97 = 0 THEN 4 WHEN n % 89 = 0 THEN 5 ELSE 3 END, json_extract(:queues, '$[' || (n % ${queues.length}) || ']'),
      json_extract(:users, '$[' || (n % 7 % ${users.length}) || ']'), 0, 1, 0, at, at + 10, at + 1000, n % 30000 + 1,
      :version, 1, CASE WHEN n % 97 = 0 THEN NULL WHEN n % 13 = 0 THEN 1 ELSE 0 END, 1000, 0,
      'worker-' || (n % ${HISTORY.workers}), 'admin', 'cookie', randomblob(16), CASE WHEN n % 97 = 0 THEN 'worker-lost' END, :parameters
    FROM (SELECT n, CAST(:nowMs - :ageMs + n * 1.0 * :ageMs / :count AS INTEGER) AS at FROM rows)`)
  const lists = { queues: JSON.stringify(queues), users: JSON.stringify(users) }
  for (let from = 0; from < count; from += CHUNK_ROWS) {
    insert.run({ ...common, ...lists, parameters, from, to: Math.min(count, from + CHUNK_ROWS) })
    tell(Math.min(count, from + CHUNK_ROWS))
  }
  db.prepare(`
    WITH RECURSIVE rows (n) AS (SELECT 1 WHERE :waiting > 0 UNION ALL SELECT n + 1 FROM rows WHERE n < :waiting)
    INSERT INTO jobs (state, queue, user, priority, attempt, retries_left, queued_at_ms, request_count, parameters)
    SELECT 1, :blocked, :user, 0, 1, 0, :nowMs, 1, :parameters FROM rows`).run({
    ...{ waiting, blocked, user: users[0], nowMs: common.nowMs, parameters },
  })
  db.exec(`
    INSERT INTO kept_files (queue, ended_at_ms, job, bytes)
    SELECT queue, ended_at_ms, id, log_bytes FROM jobs WHERE state > 2 ORDER BY queue, ended_at_ms, id;
    INSERT INTO kept_totals (queue, jobs, bytes) SELECT queue, count(*), sum(bytes) FROM kept_files GROUP BY queue`)
}

/** Writes the logs of the `count` jobs that ended first. */
export function writeLogs(dataDir: string, count: number): void {
  const db = new Database(join(dataDir, 'jankins.db'), { readonly: true })
  const jobs = db.prepare('SELECT job, bytes FROM kept_files ORDER BY ended_at_ms LIMIT ?').all(count)
  db.close()
  for (const { job, bytes } of jobs as { job: JobId; bytes: number }[]) {
    const { directory, streams } = logPaths(dataDir, { job, attempt: 1 })
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(streams.stdout, Buffer.alloc(bytes, 'log '))
    writeFileSync(streams.stderr, '')
  }
}

const idsOf = (db: Database.Database, actions: readonly string[]): number[] =>
  actions.map(action =>
    idOf(db, 'SELECT q.id FROM queues q JOIN actions a ON a.id = q.action WHERE a.name = ?', action),
  )

const idOf = (db: Database.Database, sql: string, name: string): number => db.prepare(sql).pluck().get(name) as number
