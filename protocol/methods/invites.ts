import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bool, doc, int, list, obj, opt } from '../schema.js'
import { inviteView } from '../views.js'
import { credential } from './accounts.js'
import { admins, type MethodRows } from './shape.js'

/** How accounts are made without an admin at hand. Rows of the method table, ../methods.ts. */
export const INVITES_METHODS = {
  'invite.add': {
    doc: 'Makes an invitation. The client makes its token: the same one again is the same invitation.',
    roles: admins,
    since: 1,
    params: obj({
      tokenSha256: doc('SHA-256 of the 16 bytes of the token', f.sha256),
      role: doc('of the account that may be made', f.invitedRole),
      holdsMs: opt(doc('how long it holds; a day by default', int(LIMITS.inviteMsMin.value, LIMITS.inviteMsMax.value))),
    }),
    result: obj({ invite: f.inviteId, expiresAtMs: f.timeMs }),
    errors: ['E_KEY_REUSED'],
  },
  'invite.list': {
    doc: 'Invitations by id, with what became of them.',
    roles: admins,
    since: 1,
    params: obj({ after: opt(f.inviteId), limit: opt(f.pageLimit) }),
    result: obj({ invites: list(inviteView, LIMITS.pageRowsMax.value), next: opt(f.inviteId) }),
    errors: [],
  },
  'invite.revoke': {
    doc: 'The invitation no longer holds. An account that was made with it stays.',
    roles: admins,
    since: 1,
    params: obj({ invite: f.inviteId }),
    result: obj({ changed: bool }),
    errors: ['E_INVITE_NOT_FOUND'],
  },
  'user.register': {
    doc: 'Makes the account of an invitation; instead of auth.start, or before it. Again with the same keys it answers again.',
    roles: ['none'],
    since: 1,
    params: obj({ token: f.inviteToken, user: f.name, ...credential }),
    result: obj({
      role: f.role,
      approved: doc('the account may log in; else an admin has to enable it first', bool),
    }),
    errors: ['E_INVITE', 'E_USER_EXISTS', 'E_THROTTLED'],
  },
} as const satisfies MethodRows
