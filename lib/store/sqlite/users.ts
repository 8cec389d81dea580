import { Buffer } from 'node:buffer'
import { JankinsError } from '../../../protocol/errors.js'
import type { Role } from '../../../protocol/fields.js'
import type { Name } from '../../../protocol/ids.js'
import type { UserView } from '../../../protocol/views.js'
import type { Account, Credential } from '../store.js'
import type { Handle } from './database.js'

const FIND = `
  SELECT u.id, u.name, u.role, u.active, u.may_exec, c.salt, c.iterations, c.stored_key, c.server_key
  FROM users u LEFT JOIN credentials c ON c.user = u.id AND c.kind = 'password'
  WHERE u.name = ?`
/** Of the first account that was made: rows of users are never deleted. */
const FIND_FIRST = FIND.replace('u.name = ?', 'u.id = 1')
const LIST = `
  SELECT name, role, active, may_exec, created_at_ms FROM users WHERE name > ? ORDER BY name LIMIT ?`
const INSERT = `
  INSERT INTO users (name, role, active, may_exec, created_at_ms) VALUES (?, ?, 1, ?, ?) ON CONFLICT DO NOTHING`
const PUT_PASSWORD = `
  INSERT INTO credentials (user, kind, salt, iterations, stored_key, server_key) VALUES (?, 'password', ?, ?, ?, ?)
  ON CONFLICT (user) WHERE kind = 'password' DO UPDATE SET salt = excluded.salt, iterations = excluded.iterations,
    stored_key = excluded.stored_key, server_key = excluded.server_key`
const SET_ACTIVE = 'UPDATE users SET active = ? WHERE id = ?'
const COUNT_ADMINS = "SELECT count(*) AS count FROM users WHERE role = 'admin' AND active = 1"

interface AccountRow {
  readonly id: number
  readonly name: Name
  readonly role: Role
  readonly active: number
  readonly may_exec: number
  readonly salt: Buffer | null
  readonly iterations: number
  readonly stored_key: Buffer
  readonly server_key: Buffer
}
interface UserRow {
  readonly name: Name
  readonly role: Role
  readonly active: number
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
      active: row.active === 1,
      mayExec: row.may_exec === 1,
      createdAtMs: row.created_at_ms,
    }))
}

/** The same account again is found, not made. @throws JankinsError E_USER_EXISTS */
export function insertUser(
  handle: Handle,
  account: { user: Name; role: Role; mayExec: boolean; credential: Credential },
  nowMs: number,
): void {
  const { user, role, mayExec, credential } = account
  const { changes, lastInsertRowid } = handle.sql(INSERT).run(user, role, mayExec ? 1 : 0, nowMs)
  if (changes > 0) putCredential(handle, Number(lastInsertRowid), credential)
  else if (!isSame(existing(handle, user), role, mayExec, credential)) throw new JankinsError('E_USER_EXISTS', { user })
}

const isSame = (row: AccountRow, role: Role, mayExec: boolean, credential: Credential): boolean =>
  row.role === role &&
  (row.may_exec === 1) === mayExec &&
  row.salt !== null &&
  row.iterations === credential.iterations &&
  Buffer.compare(row.salt, credential.salt) === 0 &&
  Buffer.compare(row.stored_key, credential.storedKey) === 0 &&
  Buffer.compare(row.server_key, credential.serverKey) === 0

/** @throws JankinsError E_USER_NOT_FOUND */
export function putPassword(handle: Handle, user: Name, credential: Credential): void {
  putCredential(handle, existing(handle, user).id, credential)
}

/** @throws JankinsError E_USER_NOT_FOUND, E_LAST_ADMIN */
export function putUserActive(handle: Handle, user: Name, active: boolean): { changed: boolean } {
  const row = existing(handle, user)
  if ((row.active === 1) === active) return { changed: false }
  const { sql } = handle
  if (!active && row.role === 'admin' && sql<{ count: number }>(COUNT_ADMINS).get()?.count === 1)
    throw new JankinsError('E_LAST_ADMIN', { user })
  sql(SET_ACTIVE).run(active ? 1 : 0, row.id)
  return { changed: true }
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
  active: row.active === 1,
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
