import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bool, doc, list, obj, opt } from '../schema.js'
import { actionView, definitionFields } from '../views.js'
import { admins, type MethodRows, people } from './shape.js'

/** What can be run. Rows of the method table, ../methods.ts. */
export const ACTIONS_METHODS = {
  'action.add': {
    doc: 'Defines an action. The same definition again changes nothing; another one needs `replace`.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name, replace: opt(bool), ...definitionFields }),
    result: obj({ changed: bool }),
    errors: ['E_ACTION_EXISTS'],
  },
  'action.list': {
    doc: 'Actions by name.',
    roles: people,
    since: 1,
    params: obj({ action: opt(doc('only this one', f.name)), after: opt(f.name), limit: opt(f.pageLimit) }),
    result: obj({ actions: list(actionView, LIMITS.pageRowsMax.value), next: opt(f.name) }),
    errors: ['E_ACTION_NOT_FOUND'],
  },
  'action.enable': {
    doc: 'Jobs of the action may be queued and start.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_ACTION_NOT_FOUND'],
  },
  'action.disable': {
    doc: 'No job of the action is queued or starts; running ones go on, queued ones wait.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name }),
    result: obj({ changed: bool }),
    errors: ['E_ACTION_NOT_FOUND'],
  },
} as const satisfies MethodRows
