import * as f from '../fields.js'
import { LIMITS } from '../limits.js'
import { bool, choice, doc, list, obj, opt } from '../schema.js'
import { actionView, type Definition, definitionFields } from '../views.js'
import { admins, type MethodRows, people } from './shape.js'

const FIELDS = Object.keys(definitionFields) as (keyof Definition)[]
/** A daemon of a later release may know more fields than are listed here. */
const FIELDS_MAX = 64

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
  'action.compare': {
    doc: 'Tells what `action.add` with `replace` would change, and changes nothing.',
    roles: admins,
    since: 1,
    params: obj({ action: f.name, ...definitionFields }),
    result: obj({
      exists: bool,
      active: opt(doc('of the action that exists', bool)),
      differs: doc('fields of the definition', list(choice(...FIELDS), FIELDS_MAX)),
    }),
    errors: [],
  },
  'action.list': {
    doc: 'Actions by name.',
    roles: people,
    since: 1,
    params: obj({ action: opt(doc('only this one', f.name)), after: opt(f.name), limit: opt(f.pageLimit) }),
    result: obj({ actions: list(actionView, LIMITS.pageRowsMax.value), next: opt(f.name) }),
    errors: ['E_ACTION_NOT_FOUND'],
  },
  'action.show': {
    doc: 'One action, and how many jobs of it there are now.',
    roles: people,
    since: 1,
    params: obj({ action: f.name }),
    result: obj({
      action: actionView,
      createdAtMs: f.timeMs,
      pending: doc(`jobs that wait, counted up to ${LIMITS.pageVisitedMax.value}`, f.count),
      running: f.count,
    }),
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
