import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { LIMITS } from '../../protocol/limits.js'
import { definitionFields } from '../../protocol/views.js'
import type { CompleteDefinition } from '../domain/action.js'

/** A definition as rows hold it. Equal definitions are equal texts. */
export interface StoredDefinition {
  readonly json: string
  readonly sha256: Uint8Array
  /** JSON of DefinitionView. */
  readonly view: string
}

/** What lists show of a definition: command or script are cut. */
export type DefinitionView = Pick<CompleteDefinition, 'command' | 'script' | 'dir' | 'labels'>

type Pairs = readonly (readonly [string, string])[]

const FIELDS = Object.keys(definitionFields) as (keyof CompleteDefinition)[]

export function storeDefinition(definition: CompleteDefinition): StoredDefinition {
  const json = definitionJson(definition)
  return { json, sha256: hash('sha256', json, 'buffer'), view: JSON.stringify(viewOf(definition)) }
}

export const definitionJson = (definition: CompleteDefinition): string =>
  JSON.stringify(Object.fromEntries(FIELDS.map(field => [field, definition[field]])))

/** Undefined for no parameters. */
export const parametersJson = (parameters: Pairs): string | undefined =>
  parameters.length === 0 ? undefined : JSON.stringify(parameters)

/** What lists show of parameters; undefined when that is all of them. */
export function parametersViewJson(parameters: Pairs): string | undefined {
  let room = LIMITS.viewTextBytesMax.value
  const view: [string, string][] = []
  for (const [name, value] of parameters) {
    const nameBytes = Buffer.byteLength(name)
    if (nameBytes > room) return JSON.stringify(view)
    const shown = cutText(value, room - nameBytes)
    view.push([name, shown])
    if (shown !== value) return JSON.stringify(view)
    room -= nameBytes + Buffer.byteLength(shown)
  }
  return undefined
}

/** The longest beginning of `text` that is at most `bytesMax` bytes of UTF-8; never half a character. */
export function cutText(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return text
  let end = bytesMax
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

function viewOf(definition: CompleteDefinition): DefinitionView {
  const bytesMax = LIMITS.viewTextBytesMax.value
  return {
    ...(definition.command && { command: cutArguments(definition.command, bytesMax) }),
    ...(definition.script !== undefined && { script: cutText(definition.script, bytesMax) }),
    ...(definition.dir !== undefined && { dir: definition.dir }),
    labels: definition.labels,
  }
}

function cutArguments(command: readonly string[], bytesMax: number): string[] {
  let room = bytesMax
  const view: string[] = []
  for (const argument of command) {
    if (room === 0) break
    const shown = cutText(argument, room)
    view.push(shown)
    if (shown !== argument) break
    room -= Buffer.byteLength(shown)
  }
  return view
}
