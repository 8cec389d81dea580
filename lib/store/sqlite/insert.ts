import { Buffer } from 'node:buffer'
import { JankinsError } from '../../../protocol/errors.js'
import { type JobId, parseJobId } from '../../../protocol/ids.js'
import { assert } from '../../base/assert.js'
import type { NewJobs } from '../store.js'
import { definitionJson, parametersJson, parametersViewJson, storeDefinition } from '../texts.js'
import { bytesOf } from './columns.js'
import type { Handle } from './database.js'
import { useBundle } from './kept.js'
import { STATE_NUMBERS } from './states.js'

const INSERT = `
  INSERT INTO jobs (state, queue, user, priority, attempt, retries_left, queued_at_ms, retry_of, batch_of,
    request_count, bundle, request_key, parameters_view, definition_view, parameters, definition)
  VALUES (${STATE_NUMBERS.PENDING}, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (user, request_key) WHERE request_key IS NOT NULL DO NOTHING`
const FIND_USER = 'SELECT id FROM users WHERE name = ?'
const FIND_REQUEST = `
  SELECT id, queue, request_count, retry_of, bundle, parameters, definition
  FROM jobs WHERE user = ? AND request_key = ?`

/** The first job of a request: it has the key, and the texts for all. */
interface RequestRow {
  readonly id: number
  readonly queue: number
  readonly request_count: number
  readonly retry_of: number | null
  readonly bundle: Buffer | null
  readonly parameters: string | null
  readonly definition: string | null
}

/** To be called in a transaction. @throws JankinsError E_KEY_REUSED, E_USER_NOT_FOUND */
export function insertJobRows(handle: Handle, jobs: NewJobs): { jobs: readonly JobId[]; repeated: boolean } {
  const user = findUser(handle, jobs)
  const first = insertFirst(handle, user, jobs)
  if (first === undefined) {
    const found = findRequest(handle, user, jobs)
    assert(found, 'a request key is in the index, and its job is not in the table')
    return { jobs: found, repeated: true }
  }
  if (jobs.bundle !== undefined) useBundle(handle, jobs.bundle, jobs.count)
  for (let index = 1; index < jobs.count; index++) insertFollower(handle, user, jobs, first)
  return { jobs: consecutive(first, jobs.count), repeated: false }
}

/** Undefined when the key made no jobs. @throws JankinsError E_KEY_REUSED, E_USER_NOT_FOUND */
export const findRepeatedRows = (handle: Handle, jobs: NewJobs): readonly JobId[] | undefined =>
  findRequest(handle, findUser(handle, jobs), jobs)

function findUser({ sql }: Handle, { user }: NewJobs): number {
  const row = sql<{ id: number }>(FIND_USER).get(user)
  if (!row) throw new JankinsError('E_USER_NOT_FOUND', { user })
  return row.id
}

/** Undefined when the key was used before. */
function insertFirst({ sql }: Handle, user: number, jobs: NewJobs): number | undefined {
  const definition = jobs.definition && storeDefinition(jobs.definition)
  const { changes, lastInsertRowid } = sql(INSERT).run(
    ...common(user, jobs),
    null,
    jobs.count,
    bytesOf(jobs.bundle),
    jobs.key,
    parametersViewJson(jobs.parameters) ?? null,
    definition?.view ?? null,
    parametersJson(jobs.parameters) ?? null,
    definition?.json ?? null,
  )
  return changes === 0 ? undefined : Number(lastInsertRowid)
}

function insertFollower({ sql }: Handle, user: number, jobs: NewJobs, first: number): void {
  const nothing = [null, null, null, null, null]
  sql(INSERT).run(...common(user, jobs), first, null, bytesOf(jobs.bundle), ...nothing)
}

const common = (user: number, jobs: NewJobs): (number | null)[] => [
  jobs.queue,
  user,
  jobs.priority,
  jobs.retries,
  jobs.queuedAtMs,
  jobs.retryOf ?? null,
]

function findRequest({ sql }: Handle, user: number, jobs: NewJobs): readonly JobId[] | undefined {
  const row = sql<RequestRow>(FIND_REQUEST).get(user, jobs.key)
  if (!row) return undefined
  const same =
    row.queue === jobs.queue &&
    row.request_count === jobs.count &&
    row.retry_of === (jobs.retryOf ?? null) &&
    sameBytes(row.bundle, bytesOf(jobs.bundle)) &&
    row.parameters === (parametersJson(jobs.parameters) ?? null) &&
    row.definition === (jobs.definition ? definitionJson(jobs.definition) : null)
  if (!same) throw new JankinsError('E_KEY_REUSED', { job: row.id })
  return consecutive(row.id, row.request_count)
}

const sameBytes = (a: Buffer | null, b: Buffer | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

/** One writer inserts them in one transaction: nothing comes between. */
const consecutive = (first: number, count: number): readonly JobId[] =>
  Array.from({ length: count }, (_, index) => parseJobId(first + index) as JobId)
