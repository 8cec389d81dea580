import { JankinsError } from '../../../protocol/errors.js'
import type { InvitedRole, InviteState, Role, UserState } from '../../../protocol/fields.js'
import type { InviteId, Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { InviteView } from '../../../protocol/views.js'
import type { NewInvite, Registration } from '../store.js'
import { bytesOf, present } from './columns.js'
import type { Handle } from './database.js'
import { insertUser, isAccount } from './users.js'

const INVITES = `
  SELECT i.id, i.role, m.name AS maker, m.role = 'admin' AND m.state = 'active' AS vouched, i.created_at_ms,
    i.expires_at_ms, i.revoked_at_ms, i.used_by, u.name AS used_by_name
  FROM invites i JOIN users m ON m.id = i.made_by LEFT JOIN users u ON u.id = i.used_by`
const FIND = `${INVITES} WHERE i.id = ?`
const FIND_BY_TOKEN = `${INVITES} WHERE i.token_sha256 = ?`
const LIST = `${INVITES} WHERE i.id > ? ORDER BY i.id LIMIT ?`
const COUNT_OPEN = `
  SELECT count(*) AS count FROM invites WHERE expires_at_ms > ? AND used_at_ms IS NULL AND revoked_at_ms IS NULL`
const INSERT = `
  INSERT INTO invites (token_sha256, role, made_by, created_at_ms, expires_at_ms)
  VALUES (?, ?, (SELECT id FROM users WHERE name = ?), ?, ?)`
const REVOKE = 'UPDATE invites SET revoked_at_ms = ? WHERE id = ?'
const USE = 'UPDATE invites SET used_at_ms = ?, used_by = (SELECT id FROM users WHERE name = ?) WHERE id = ?'

interface InviteRow {
  readonly id: InviteId
  readonly role: InvitedRole
  readonly maker: Name
  /** Who made it is an active admin still. */
  readonly vouched: number
  readonly created_at_ms: number
  readonly expires_at_ms: number
  readonly revoked_at_ms: number | null
  readonly used_by: number | null
  readonly used_by_name: Name | null
}

/** At most `limit` invitations behind `after`. */
export const listInviteRows = ({ sql }: Handle, after: InviteId | undefined, limit: number, nowMs: number) =>
  sql<InviteRow>(LIST)
    .all(after ?? 0, limit)
    .map(row => viewOf(row, nowMs))

/** To be called in a transaction. @throws JankinsError E_KEY_REUSED, E_TOO_MANY */
export function insertInvite({ sql }: Handle, invite: NewInvite): { invite: InviteId; expiresAtMs: number } {
  const { role, user, createdAtMs, expiresAtMs } = invite
  const token = bytesOf(invite.tokenSha256)
  const known = sql<InviteRow>(FIND_BY_TOKEN).get(token)
  if (known) {
    if (known.role !== role || known.maker !== user) throw new JankinsError('E_KEY_REUSED', { invite: known.id })
    return { invite: known.id, expiresAtMs: known.expires_at_ms }
  }
  const open = sql<{ count: number }>(COUNT_OPEN).get(createdAtMs)?.count ?? 0
  if (open >= LIMITS.invitesOpenMax.value) throw new JankinsError('E_TOO_MANY', { invites: open })
  const { lastInsertRowid } = sql(INSERT).run(token, role, user, createdAtMs, expiresAtMs)
  return { invite: Number(lastInsertRowid) as InviteId, expiresAtMs }
}

/** To be called in a transaction. @throws JankinsError E_INVITE_NOT_FOUND */
export function revokeInviteRow({ sql }: Handle, invite: InviteId, nowMs: number): { changed: boolean } {
  const row = sql<InviteRow>(FIND).get(invite)
  if (!row) throw new JankinsError('E_INVITE_NOT_FOUND', { invite })
  const changed = stateOf(row, nowMs) === 'open'
  if (changed) sql(REVOKE).run(nowMs, invite)
  return { changed }
}

/** To be called in a transaction. @throws JankinsError E_INVITE, E_USER_EXISTS */
export function registerUser(
  handle: Handle,
  { tokenSha256, user, credential, state }: Registration,
  nowMs: number,
): { role: Role; state: UserState } {
  const row = handle.sql<InviteRow>(FIND_BY_TOKEN).get(bytesOf(tokenSha256))
  if (!row) throw new JankinsError('E_INVITE')
  const { role } = row
  if (row.used_by !== null) {
    const found = isAccount(handle, row.used_by, user, credential)
    if (!found) throw new JankinsError('E_INVITE')
    return { role, state: found }
  }
  if (stateOf(row, nowMs) !== 'open' || row.vouched === 0) throw new JankinsError('E_INVITE')
  if (!insertUser(handle, { user, role, state, mayExec: false, credential }, nowMs))
    throw new JankinsError('E_USER_EXISTS', { user })
  handle.sql(USE).run(nowMs, user, row.id)
  return { role, state }
}

const viewOf = (row: InviteRow, nowMs: number): InviteView =>
  present<InviteView>({
    invite: row.id,
    role: row.role,
    state: stateOf(row, nowMs),
    user: row.maker,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    usedBy: row.used_by_name,
  })

function stateOf(row: InviteRow, nowMs: number): InviteState {
  if (row.used_by !== null) return 'used'
  if (row.revoked_at_ms !== null) return 'revoked'
  return row.expires_at_ms > nowMs ? 'open' : 'expired'
}
