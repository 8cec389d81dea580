import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bool, doc, list, obj } from '../schema.js'
import { admins, type MethodRows } from './shape.js'

const secret = doc('name of the variable that jobs of the action find it in', f.secretName)

/** What jobs of an action are given and nobody is shown. Rows of the method table, ../methods.ts. */
export const SECRETS_METHODS = {
  'secret.set': {
    doc: 'Gives an action a secret, or another value to one that it has: jobs that start from now on get it.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name, secret, value: f.secretValue }),
    result: obj({ changed: bool }),
    errors: ['E_ACTION_NOT_FOUND', 'E_NOT_PRIVATE', 'E_STORE_FULL'],
  },
  'secret.list': {
    doc: 'Names of the secrets of an action. No request shows a value. Answered only where `secret.set` would be.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name }),
    result: obj({ secrets: list(secret, LIMITS.secretsMax.value) }),
    errors: ['E_ACTION_NOT_FOUND', 'E_NOT_PRIVATE'],
  },
  'secret.remove': {
    doc: 'Takes a secret from an action. Jobs that run keep it.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name, secret }),
    result: obj({ changed: bool }),
    errors: ['E_ACTION_NOT_FOUND', 'E_STORE_FULL'],
  },
} as const satisfies MethodRows
