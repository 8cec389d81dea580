import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { JankinsError } from '../../../protocol/errors.js'
import { environmentPair } from '../../../protocol/fields.js'
import { NAME_FORM, type Name, parseName } from '../../../protocol/ids.js'
import { check } from '../../../protocol/schema.js'
import type { Definition } from '../../../protocol/views.js'
import { UsageError, type ValueSpec } from '../command.js'
import { fieldsOf } from '../definition.js'
import { readValue } from '../values.js'
import { ACTION_KEYS, ACTIVE_KEY, WHAT_KEYS } from './keys.js'

/** One action as a file says it. */
export interface FileAction {
  readonly action: Name
  readonly definition: Definition
  /** Missing: left as it is. */
  readonly active?: boolean
  /** `FILE:LINE:COLUMN` of its name, for messages. */
  readonly place: string
}

/**
 * Reads the actions of one file: `actions:`, then a map of names.
 * @param file how messages call it
 * @throws UsageError with line and column of the first mistake
 */
export function readActionsFile(text: string, file: string): readonly FileAction[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const [error] = document.errors
  if (error) throw new UsageError(`${at(error.pos[0])}: ${error.message}`)
  return new Reader(document, at).actions()
}

/** Walks the nodes instead of making objects of them: each has its place, and no name becomes a key of an object. */
class Reader {
  readonly #document: Document
  readonly #at: (offset: number) => string

  constructor(document: Document, at: (offset: number) => string) {
    this.#document = document
    this.#at = at
  }

  actions(): readonly FileAction[] {
    const top = this.#map(this.#document.contents, 'the file must be a map with the key actions')
    const [found, ...others] = this.#entries(top)
    if (found?.key !== 'actions' || others.length > 0)
      throw this.#wrong(others[0]?.node ?? top, 'the file must be a map with the key actions, and nothing else')
    return this.#entries(this.#map(found.value, 'actions must be a map of names')).map(entry => this.#action(entry))
  }

  #action({ key, node, value }: Entry): FileAction {
    const action = parseName(key)
    if (!action) throw this.#wrong(node, `${quoted(key)} is no name of an action: ${NAME_FORM}`)
    const fields = this.#entries(this.#map(value, `${key} must be a map`))
    const values: Record<string, unknown> = {}
    let what: Definition | undefined
    let active: boolean | undefined
    for (const field of fields) {
      const spec = Object.hasOwn(ACTION_KEYS, field.key) ? ACTION_KEYS[field.key] : undefined
      if (spec) values[field.key] = this.#value(spec, field)
      else if (field.key === ACTIVE_KEY) active = this.#flag(field)
      else if (what) throw this.#wrong(field.node, this.#unexpected(field.key))
      else what = this.#what(field)
    }
    if (!what) throw this.#wrong(node, `${key} needs a command or a script`)
    const definition = { ...what, ...fieldsOf(values) }
    return { action, definition, place: this.#at(offsetOf(node)), ...(active !== undefined && { active }) }
  }

  #what(field: Entry): Definition {
    if (field.key === 'script') return { script: this.#text(field.value, field) }
    if (field.key === 'command') return { command: this.#texts(field, 'a list: a program and its arguments') }
    throw this.#wrong(field.node, this.#unexpected(field.key))
  }

  #unexpected(key: string): string {
    if ((WHAT_KEYS as readonly string[]).includes(key)) return 'give either a command or a script'
    return `there is no key ${quoted(key)}; there are ${[...WHAT_KEYS, ...Object.keys(ACTION_KEYS), ACTIVE_KEY].join(', ')}`
  }

  #value(spec: ValueSpec, field: Entry): unknown {
    if (spec.kind === 'pairs') return this.#pairs(field)
    const isList = spec.kind === 'texts' || spec.kind === 'names'
    const texts = isList ? this.#texts(field, 'a list') : [this.#text(field.value, field)]
    try {
      return readValue(spec, field.key, spec.kind === 'names' ? [texts.join()] : texts)
    } catch (error) {
      throw error instanceof UsageError ? this.#wrong(field.value ?? field.node, error.message) : error
    }
  }

  #pairs(field: Entry): readonly (readonly [string, string])[] {
    const entries = this.#entries(this.#map(field.value, `${field.key} must be a map of names and texts`))
    return entries.map(entry => {
      try {
        return check(environmentPair, [entry.key, this.#text(entry.value, entry)])
      } catch (error) {
        if (!(error instanceof JankinsError)) throw error
        throw this.#wrong(entry.node, `${quoted(entry.key)} does not fit: ${error.detail.expected}`)
      }
    })
  }

  #texts(field: Entry, form: string): readonly string[] {
    const node = this.#resolved(field.value)
    if (!isSeq(node)) throw this.#wrong(field.value ?? field.node, `${field.key} must be ${form}`)
    return node.items.map(item => this.#text(item as Node | null, field))
  }

  #flag(field: Entry): boolean {
    const node = this.#resolved(field.value)
    if (isScalar(node) && typeof node.value === 'boolean') return node.value
    throw this.#wrong(field.value ?? field.node, `${field.key} must be true or false`)
  }

  /** As it is written, quotes aside: 1.10 is not 1.1. */
  #text(value: Node | null, field: Entry): string {
    const node = this.#resolved(value)
    if (!isScalar(node) || node.value === null)
      throw this.#wrong(value ?? field.node, `${quoted(field.key)} must be a text or a number`)
    return node.source ?? String(node.value)
  }

  #map(node: Node | null, message: string): YAMLMap {
    const resolved = this.#resolved(node)
    if (isMap(resolved)) return resolved as YAMLMap
    throw this.#wrong(node, message)
  }

  #entries(map: YAMLMap): readonly Entry[] {
    return map.items.map(({ key, value }) => {
      const node = this.#resolved(key as Node)
      if (!isScalar(node)) throw this.#wrong(key as Node, 'a key must be a text')
      return { key: node.source ?? String(node.value), node: key as Node, value: value as Node | null }
    })
  }

  #resolved(node: Node | null): Node | null | undefined {
    return isAlias(node) ? node.resolve(this.#document) : node
  }

  #wrong(node: Node | null, message: string): UsageError {
    return new UsageError(`${this.#at(offsetOf(node))}: ${message}`)
  }
}

interface Entry {
  readonly key: string
  /** Of the key. */
  readonly node: Node
  readonly value: Node | null
}

const offsetOf = (node: Node | null): number => node?.range?.[0] ?? 0
const quoted = (text: string): string => JSON.stringify(text)
