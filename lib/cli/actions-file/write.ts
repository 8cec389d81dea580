import { Document, visit, YAMLMap } from 'yaml'
import type { ActionView } from '../../../protocol/views.js'
import { formatDuration, formatSize } from '../../base/units.js'
import type { ValueSpec } from '../command.js'
import { WIRE_FIELDS } from '../definition.js'
import { readValue } from '../values.js'
import { ACTION_KEYS, ACTIVE_KEY, WHAT_KEYS } from './keys.js'

/** What a block of lines does not keep as it is: blanks before its first word, other ends of lines than a newline. */
const ODD_TEXT = /^\s|[\r\u0085\u2028\u2029]/

/** One action as an entry of the map `actions`, in YAML; what is as by default is left out. */
export function writeAction(view: ActionView): string {
  const document = new Document()
  const fields = new YAMLMap()
  const add = (key: string, value: unknown): void => fields.add(document.createPair(key, value))
  for (const key of WHAT_KEYS) if (view[key] !== undefined) add(key, view[key])
  for (const [key, spec] of Object.entries(ACTION_KEYS)) {
    const value = view[WIRE_FIELDS[key as keyof typeof WIRE_FIELDS]]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    if (!isDefault(spec, value)) add(key, spec.kind === 'pairs' ? mapOf(document, value as Pairs) : show(spec, value))
  }
  if (!view.active) add(ACTIVE_KEY, false)
  const named = new YAMLMap()
  named.add(document.createPair(view.action, fields))
  const actions = new YAMLMap()
  actions.add(document.createPair('actions', named))
  document.contents = actions as never
  visit(document, {
    Scalar: (_key, scalar) => {
      if (ODD_TEXT.test(String(scalar.value))) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  return document.toString({ lineWidth: 0 }).replace(/^actions:\n/, '')
}

type Pairs = readonly (readonly [string, string])[]

/** Of two pairs with one name the last one counts, as it does for the job. */
function mapOf(document: Document, pairs: Pairs): YAMLMap {
  const map = new YAMLMap()
  for (const [name, value] of new Map(pairs)) map.add(document.createPair(name, value))
  return map
}

/** A default that stands in the table as a sentence, such as none, is no value at all. */
function isDefault(spec: ValueSpec, value: unknown): boolean {
  const isValue = spec.values?.includes(spec.byDefault ?? '') || /^\d/.test(spec.byDefault ?? '')
  return isValue && readValue(spec, '', [spec.byDefault ?? '']) === value
}

function show(spec: ValueSpec, value: unknown): unknown {
  if (spec.kind === 'duration') return formatDuration(value as number)
  if (spec.kind === 'size') return formatSize(value as number)
  return value
}
