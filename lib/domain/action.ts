import { Buffer } from 'node:buffer'
import { JankinsError } from '../../protocol/errors.js'
import type { Role } from '../../protocol/fields.js'
import type { Name } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { type Definition, definitionFields } from '../../protocol/views.js'

/** A definition that keeps the rules which no single field can tell, with every default filled in. */
export type CompleteDefinition = Definition &
  Required<
    Pick<
      Definition,
      | 'environment'
      | 'leaseMs'
      | 'graceMs'
      | 'labels'
      | 'priority'
      | 'artifacts'
      | 'retries'
      | 'stderr'
      | 'logLimitBytes'
      | 'onLogLimit'
    >
  >

/**
 * Fills in the defaults; labels come out sorted and without doubles, so that equal label sets are equal texts.
 * @throws JankinsError E_BAD_REQUEST with detail.field and detail.expected
 */
export function completeDefinition(definition: Definition): CompleteDefinition {
  if ((definition.command === undefined) === (definition.script === undefined))
    throw new JankinsError('E_BAD_REQUEST', { field: 'command', expected: 'given, or script given, not both' })
  if (definition.command && (definition.command.length === 0 || definition.command[0] === ''))
    throw new JankinsError('E_BAD_REQUEST', { field: 'command', expected: 'a program and its arguments' })
  if (definition.script === '') throw new JankinsError('E_BAD_REQUEST', { field: 'script', expected: 'not empty' })
  if (textBytes(definition) > LIMITS.definitionBytesMax.value)
    throw new JankinsError('E_BAD_REQUEST', {
      field: 'command',
      expected: `at most ${LIMITS.definitionBytesMax.value} bytes together with script and environment`,
    })
  return {
    ...definition,
    environment: definition.environment ?? [],
    leaseMs: definition.leaseMs ?? LIMITS.leaseMsDefault.value,
    graceMs: definition.graceMs ?? LIMITS.graceMsDefault.value,
    labels: sortedLabels(definition.labels ?? []),
    priority: definition.priority ?? 0,
    artifacts: definition.artifacts ?? [],
    retries: definition.retries ?? 0,
    stderr: definition.stderr ?? 'apart',
    logLimitBytes: definition.logLimitBytes ?? LIMITS.logLimitBytesDefault.value,
    onLogLimit: definition.onLogLimit ?? 'cut',
  }
}

/** The fields in which two definitions differ, in the order of the table of fields. */
export const differingFields = (a: Definition, b: Definition): readonly (keyof Definition)[] =>
  (Object.keys(definitionFields) as (keyof Definition)[]).filter(
    field => JSON.stringify(a[field]) !== JSON.stringify(b[field]),
  )

/** By code unit, not by locale, and without doubles: equal sets of labels are equal texts, everywhere. */
export const sortedLabels = <Label extends string>(labels: readonly Label[]): readonly Label[] =>
  [...new Set(labels)].sort((a, b) => (a < b ? -1 : 1))

/** @throws JankinsError E_BAD_REQUEST when the parameters of one job are too many bytes in all */
export function checkParameters(parameters: readonly (readonly [string, string])[]): void {
  if (pairBytes(parameters) > LIMITS.parametersBytesMax.value)
    throw new JankinsError('E_BAD_REQUEST', {
      field: 'parameters',
      expected: `at most ${LIMITS.parametersBytesMax.value} bytes in all`,
    })
}

/** Whether an account may queue jobs of an action that allows these; admins may all. */
export const mayQueue = (allow: readonly string[] | undefined, user: Name, role: Role): boolean =>
  role === 'admin' || allow === undefined || allow.includes(`user:${user}`) || allow.includes(`role:${role}`)

function textBytes(definition: Definition): number {
  const texts = [...(definition.command ?? []), definition.script ?? '', ...(definition.artifacts ?? [])]
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) + pairBytes(definition.environment ?? [])
}

const pairBytes = (pairs: readonly (readonly [string, string])[]): number =>
  pairs.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
