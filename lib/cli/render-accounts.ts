import type { InviteState, UserState } from '../../protocol/fields.js'
import type { InviteView, UserView } from '../../protocol/views.js'
import { type Colour, type Column, renderTable, type Style } from './table.js'
import { formatAgo, formatTime } from './text.js'

/** Accounts and invitations to text for people. Pure: the time is a parameter. */

const USER_COLOURS: Readonly<Record<UserState, Colour>> = {
  active: 'green',
  pending: 'blue',
  disabled: 'yellow',
  deleted: 'grey',
}

/** A daemon of an older release tells less. */
const stateOf = ({ state, active }: UserView): UserState => state ?? (active ? 'active' : 'disabled')

export function renderUsers(users: readonly UserView[], nowMs: number, style: Style, isFirst: boolean): string {
  const columns: readonly Column<UserView>[] = [
    { title: 'USER', widthMin: 16, text: user => user.user },
    { title: 'ROLE', widthMin: 6, text: user => user.role },
    { title: 'STATE', widthMin: 8, text: stateOf, colour: user => USER_COLOURS[stateOf(user)] },
    { title: 'EXEC', text: user => (user.mayExec || user.role === 'admin' ? 'yes' : 'no') },
    { title: 'CREATED', text: user => formatAgo(user.createdAtMs, nowMs) },
  ]
  return renderTable(columns, users, style, isFirst)
}

const INVITE_COLOURS: Readonly<Record<InviteState, Colour>> = {
  open: 'green',
  used: 'blue',
  expired: 'grey',
  revoked: 'yellow',
}

export function renderInvites(invites: readonly InviteView[], nowMs: number, style: Style, isFirst: boolean): string {
  const columns: readonly Column<InviteView>[] = [
    { title: 'ID', align: 'right', widthMin: 4, text: invite => String(invite.invite) },
    { title: 'ROLE', widthMin: 6, text: invite => invite.role },
    { title: 'STATE', widthMin: 7, text: invite => invite.state, colour: invite => INVITE_COLOURS[invite.state] },
    { title: 'MADE BY', widthMin: 8, text: invite => invite.user },
    { title: 'MADE', align: 'right', widthMin: 8, text: invite => formatAgo(invite.createdAtMs, nowMs) },
    { title: 'EXPIRES', widthMin: 19, text: invite => formatTime(invite.expiresAtMs) },
    { title: 'USED BY', text: invite => invite.usedBy ?? '-' },
  ]
  return renderTable(columns, invites, style, isFirst)
}
