import { Buffer } from 'node:buffer'
import { JankinsError } from '../../../protocol/errors.js'
import type { Role, UserState } from '../../../protocol/fields.js'
import type { JobId, Name } from '../../../protocol/ids.js'
import type { UserView } from '../../../protocol/views.js'
import type { Account, Credential, JobChange } from '../store.js'
import type { Handle } from './database.js'
import { applyJobEvent } from './events.js'
import { STATE_NUMBERS } from './states.js'

const FIND = `
  SELECT u.id, u.name, u.role, u.state, u.may_exec, c.salt, c.iterations, c.stored_key, c.server_key
  FROM users u LEFT JOIN credentials c ON c.user = u.id AND c.kind = 'password'
  WHERE u.name = ?`
/** Of the first account that was made: rows of users are never deleted. */
const FIND_FIRST = FIND.replace('u.name = ?', 'u.id = 1')
const LIST = `
  SELECT name, role, state, may_exec, created_at_ms FROM users WHERE name > ? ORDER BY name LIMIT ?`
const INSERT = `
  INSERT INTO users (name, role, state, may_exec, created_at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
const PUT_PASSWORD = `
  INSERT INTO credentials (user, kind, salt, iterations, stored_key, server_key) VALUES (?, 'password', ?, ?, ?, ?)
  ON CONFLICT (user) WHERE kind = 'password' DO UPDATE SET salt = excluded.salt, iterations = excluded.iterations,
    stored_key = excluded.stored_key, server_key = excluded.server_key`
const SET_STATE = 'UPDATE users SET state = ? WHERE id = ?'
const FORGET_KEYS = 'DELETE FROM credentials WHERE user = ?'
const COUNT_ADMINS = "SELECT count(*) AS count FROM users WHERE role = 'admin' AND state = 'active'"
const RUNNING_JOBS = `SELECT id FROM jobs WHERE state = ${STATE_NUMBERS.RUNNING} AND worker_user = ?`

interface AccountRow {
  readonly id: number
  readonly name: Name
  readonly role: Role
  readonly state: UserState
  readonly may_exec: number
  readonly salt: Buffer | null
  readonly iterations: number
  readonly stored_key: Buffer
  readonly server_key: Buffer
}
interface UserRow {
  readonly name: Name
  readonly role: Role
  readonly state: UserState
  readonly may_exec: number
  readonly created_at_ms: number
}

export function findAccountRow({ sql }: Handle, user: Name): Account | undefined {
  const row = sql<AccountRow>(FIND).get(user)
  // One look that finds and one that does not, for everybody: the time of a login must not tell which users exist.
  const other = row ? sql<AccountRow>(FIND).get('') : sql<AccountRow>(FIND_FIRST).get()
  const found = row ?? other
  const account = found && accountOf(found)
  return row && account
}

/** At most `limit` users behind `after`, by name in the order of their bytes. */
export function listUserRows({ sql }: Handle, after: Name | undefined, limit: number): UserView[] {
  return sql<UserRow>(LIST)
    .all(after ?? '', limit)
    .map(row => ({
      user: row.name,
      role: row.role,
      active: row.state === 'active',
      state: row.state,
      mayExec: row.may_exec === 1,
      createdAtMs: row.created_at_ms,
    }))
}

/** To be called in a transaction. @returns false when there is an account of this name */
export function insertUser(
  handle: Handle,
  account: { user: Name; role: Role; state?: UserState; mayExec: boolean; credential: Credential },
  nowMs: number,
): boolean {
  const { user, role, state = 'active', mayExec, credential } = account
  const { changes, lastInsertRowid } = handle.sql(INSERT).run(user, role, state, mayExec ? 1 : 0, nowMs)
  if (changes > 0) putCredential(handle, Number(lastInsertRowid), credential)
  return changes > 0
}

/** The same account again is found, not made. @throws JankinsError E_USER_EXISTS */
export function addUserRow(
  handle: Handle,
  account: { user: Name; role: Role; mayExec: boolean; credential: Credential },
  nowMs: number,
): void {
  const { user, role, mayExec, credential } = account
  if (insertUser(handle, account, nowMs)) return
  if (!isSame(existing(handle, user), role, mayExec, credential)) throw new JankinsError('E_USER_EXISTS', { user })
}

const isSame = (row: AccountRow, role: Role, mayExec: boolean, credential: Credential): boolean =>
  row.role === role && (row.may_exec === 1) === mayExec && hasKeys(row, credential)

const hasKeys = (row: AccountRow, credential: Credential): boolean =>
  row.salt !== null &&
  row.iterations === credential.iterations &&
  Buffer.compare(row.salt, credential.salt) === 0 &&
  Buffer.compare(row.stored_key, credential.storedKey) === 0 &&
  Buffer.compare(row.server_key, credential.serverKey) === 0

/** @throws JankinsError E_USER_NOT_FOUND, E_USER_DELETED */
export function putPassword(handle: Handle, user: Name, credential: Credential): void {
  const row = existing(handle, user)
  if (row.state === 'deleted') throw new JankinsError('E_USER_DELETED', { user })
  putCredential(handle, row.id, credential)
}

/** Whether this is the account, with these keys still. */
export function isAccount({ sql }: Handle, id: number, user: Name, credential: Credential): UserState | undefined {
  const row = sql<AccountRow>(FIND).get(user)
  return row?.id === id && hasKeys(row, credential) ? row.state : undefined
}

/** To be called in a transaction. @throws JankinsError E_USER_NOT_FOUND, E_LAST_ADMIN, E_USER_DELETED */
export function putUserState(
  handle: Handle,
  user: Name,
  state: 'active' | 'disabled' | 'deleted',
  nowMs: number,
): { changed: boolean; stopped: (JobChange & { job: JobId })[] } {
  const row = existing(handle, user)
  if (row.state === 'deleted' && state === 'active') throw new JankinsError('E_USER_DELETED', { user })
  if (row.state === state || row.state === 'deleted') return { changed: false, stopped: [] }
  if (state !== 'active') checkOtherAdmin(handle, row)
  handle.sql(SET_STATE).run(state, row.id)
  if (state === 'deleted') handle.sql(FORGET_KEYS).run(row.id)
  return { changed: true, stopped: state === 'active' ? [] : stopJobsOf(handle, user, nowMs) }
}

function checkOtherAdmin({ sql }: Handle, { role, state, name: user }: AccountRow): void {
  if (role === 'admin' && state === 'active' && sql<{ count: number }>(COUNT_ADMINS).get()?.count === 1)
    throw new JankinsError('E_LAST_ADMIN', { user })
}

function stopJobsOf(handle: Handle, workerUser: Name, atMs: number): (JobChange & { job: JobId })[] {
  const running = handle.sql<{ id: JobId }>(RUNNING_JOBS).all(workerUser)
  return running.map(({ id: job }) => ({
    job,
    ...applyJobEvent(handle, job, { kind: 'stop-requested', atMs, reason: 'worker-disabled' }, undefined),
  }))
}

function existing({ sql }: Handle, user: Name): AccountRow {
  const row = sql<AccountRow>(FIND).get(user)
  if (!row) throw new JankinsError('E_USER_NOT_FOUND', { user })
  return row
}

function putCredential({ sql }: Handle, user: number, credential: Credential): void {
  const { salt, iterations, storedKey, serverKey } = credential
  sql(PUT_PASSWORD).run(user, salt, iterations, storedKey, serverKey)
}

const accountOf = (row: AccountRow): Account => ({
  user: row.name,
  role: row.role,
  state: row.state,
  mayExec: row.may_exec === 1,
  ...(row.salt && {
    credential: {
      salt: row.salt,
      iterations: row.iterations,
      storedKey: row.stored_key,
      serverKey: row.server_key,
    },
  }),
})
