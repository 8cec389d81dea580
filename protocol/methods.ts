import type { ErrorCode } from './errors.js'
import { ACCOUNTS_METHODS } from './methods/accounts.js'
import { ACTIONS_METHODS } from './methods/actions.js'
import { BYTES_METHODS } from './methods/bytes.js'
import { INVITES_METHODS } from './methods/invites.js'
import { JOBS_METHODS } from './methods/jobs.js'
import { LEASES_METHODS } from './methods/leases.js'
import { SECRETS_METHODS } from './methods/secrets.js'
import { SERVER_METHODS } from './methods/server.js'
import { doc, type Infer, int, obj } from './schema.js'

/** The one table: handlers, client types, the command line's help and PROTOCOL.md §7 follow from it. */
export const METHODS = {
  ...ACCOUNTS_METHODS,
  ...ACTIONS_METHODS,
  ...BYTES_METHODS,
  ...INVITES_METHODS,
  ...JOBS_METHODS,
  ...LEASES_METHODS,
  ...SECRETS_METHODS,
  ...SERVER_METHODS,
} as const

/** Errors that any method may answer with. */
export const COMMON_ERRORS = [
  'E_BAD_REQUEST',
  'E_FORBIDDEN',
  'E_NOT_AUTHENTICATED',
  'E_TOO_MANY',
  'E_DRAINING',
  'E_INTERNAL',
] as const satisfies readonly ErrorCode[]

export type Method = keyof typeof METHODS
export type Params<M extends Method> = Infer<(typeof METHODS)[M]['params']>
export type Result<M extends Method> = Infer<(typeof METHODS)[M]['result']>

export const isMethod = (name: string): name is Method => Object.hasOwn(METHODS, name)

/** Notices have no answer. */
export const NOTICES = {
  'request.cancel': {
    doc: 'From the client: the parked request of this id is to be answered now.',
    params: obj({ request: doc('id of the request', int(0, 2 ** 32 - 1)) }),
  },
} as const
