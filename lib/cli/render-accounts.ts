import type { InviteState, UserState } from '../../protocol/fields.js'
import type { InviteView, UserView } from '../../protocol/views.js'
import type { InviteColumn, UserColumn } from './columns.js'
import { type Colour, type Columns, renderTable, type Style } from './table.js'
import { timeOf } from './tables.js'
import { formatTime } from './text.js'

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
  const columns: Columns<UserView, UserColumn> = {
    user: { title: 'USER', widthMin: 16, shrinkTo: 12, text: user => user.user },
    role: { title: 'ROLE', widthMin: 6, text: user => user.role },
    state: { title: 'STATE', widthMin: 8, text: stateOf, colour: user => USER_COLOURS[stateOf(user)] },
    exec: { title: 'EXEC', text: user => (user.mayExec || user.role === 'admin' ? 'yes' : 'no') },
    created: { title: 'CREATED', ...timeOf(nowMs, user => user.createdAtMs) },
  }
  return renderTable(columns, users, style, isFirst)
}

const INVITE_COLOURS: Readonly<Record<InviteState, Colour>> = {
  open: 'green',
  used: 'blue',
  expired: 'grey',
  revoked: 'yellow',
}

export function renderInvites(invites: readonly InviteView[], nowMs: number, style: Style, isFirst: boolean): string {
  const columns: Columns<InviteView, InviteColumn> = {
    id: { title: 'ID', align: 'right', widthMin: 4, text: invite => String(invite.invite) },
    role: { title: 'ROLE', widthMin: 6, text: invite => invite.role },
    state: {
      title: 'STATE',
      widthMin: 7,
      text: invite => invite.state,
      colour: invite => INVITE_COLOURS[invite.state],
    },
    maker: { title: 'MADE BY', widthMin: 8, shrinkTo: 6, text: invite => invite.user },
    made: { title: 'MADE', align: 'right', widthMin: 8, ...timeOf(nowMs, invite => invite.createdAtMs) },
    expires: { title: 'EXPIRES', widthMin: 19, text: invite => formatTime(invite.expiresAtMs) },
    usedBy: { title: 'USED BY', shrinkTo: 6, text: invite => invite.usedBy ?? '-' },
  }
  return renderTable(columns, invites, style, isFirst)
}
