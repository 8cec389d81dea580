import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bool, bytes, choice, doc, int, list, obj, opt, text } from '../schema.js'
import { userView } from '../views.js'
import { admins, everyone, type MethodRows } from './shape.js'

const authMessage = bytes(0, 4_096)
/** What the daemon keeps of a password: nothing that could be used to log in. RFC 5802 §3. */
export const credential = {
  salt: bytes(16, 64),
  iterations: int(LIMITS.scramIterationsMin.value, LIMITS.scramIterationsMax.value),
  storedKey: bytes(32, 32),
  serverKey: bytes(32, 32),
}
/** Who may connect: authentication and accounts. Rows of the method table, ../methods.ts. */
export const ACCOUNTS_METHODS = {
  'auth.start': {
    doc: 'First message of the authentication: SCRAM (RFC 5802, RFC 7677), or EXTERNAL (RFC 4422) for who has shown a certificate.',
    roles: ['none'],
    since: 1,
    params: obj({
      protocol: doc('major version that the client speaks', int(1, 1_000)),
      client: doc('program and release, for the log', text(64)),
      mechanism: choice('SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'EXTERNAL'),
      data: doc('client-first-message; EXTERNAL: the account, or nothing', authMessage),
    }),
    result: obj({ data: doc('server-first-message; EXTERNAL: the account', authMessage) }),
    errors: ['E_VERSION', 'E_AUTH'],
  },
  'auth.finish': {
    doc: 'Second message. After its reply the session is ready; one request may be sent behind it without waiting.',
    roles: ['none'],
    since: 1,
    params: obj({ data: doc('client-final-message; EXTERNAL: nothing', authMessage) }),
    result: obj({
      data: doc('server-final-message; EXTERNAL: nothing', authMessage),
      role: f.role,
      server: doc('program and release', text(64)),
      frameBytesMax: doc('largest frame that the daemon receives from now on', f.byteCount),
      chunkBytesMax: opt(
        doc('most `data` in one request, and largest `bytesMax`; 262,144 where it is missing', f.byteCount),
      ),
      nowMs: doc('clock of the daemon', f.timeMs),
    }),
    errors: ['E_AUTH', 'E_THROTTLED', 'E_NOT_APPROVED'],
  },
  'user.add': {
    doc: 'Makes an account.',
    roles: admins,
    since: 1,
    params: obj({ user: f.name, role: f.role, mayExec: opt(bool), ...credential }),
    result: obj({}),
    errors: ['E_USER_EXISTS'],
  },
  'user.list': {
    doc: 'Accounts by name.',
    roles: admins,
    since: 1,
    params: obj({ after: opt(f.name), limit: opt(f.pageLimit) }),
    result: obj({ users: list(userView, LIMITS.pageRowsMax.value), next: opt(f.name) }),
    errors: [],
  },
  'user.disable': {
    doc: 'The account can no longer authenticate; its connections end, and its workers’ jobs are stopped. Name and history stay.',
    roles: admins,
    since: 1,
    params: obj({ user: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_USER_NOT_FOUND', 'E_LAST_ADMIN'],
  },
  'user.enable': {
    doc: 'The account can authenticate, again or for the first time: this approves what was registered.',
    roles: admins,
    since: 1,
    params: obj({ user: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_USER_NOT_FOUND', 'E_USER_DELETED'],
  },
  'user.delete': {
    doc: 'Disables the account for ever and forgets its keys. Name and history stay, so the name is not given again.',
    roles: admins,
    since: 1,
    params: obj({ user: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_USER_NOT_FOUND', 'E_LAST_ADMIN'],
  },
  'user.passwd': {
    doc: 'Replaces the password of the caller, or of any account for an admin.',
    roles: everyone,
    since: 1,
    params: obj({
      user: opt(doc('the caller by default', f.name)),
      ...credential,
      endSessions: opt(doc('end the other connections of the account', bool)),
    }),
    result: obj({}),
    errors: ['E_USER_NOT_FOUND', 'E_USER_DELETED'],
  },
} as const satisfies MethodRows
