import { Buffer } from 'node:buffer'
import { JankinsError } from './errors.js'

/**
 * A schema is plain data: one value feeds the check of a message, the TypeScript type, the command line's help and
 * the tables of PROTOCOL.md. `__type` exists for the compiler only.
 */
export interface Schema<T> {
  readonly shape: Shape
  readonly optional?: boolean
  readonly doc?: string
  readonly __type?: T
}
export type Fields = Readonly<Record<string, Schema<unknown>>>
export type Shape =
  | { readonly kind: 'int'; readonly min: number; readonly max: number; readonly parse?: (n: number) => unknown }
  | { readonly kind: 'float'; readonly min: number; readonly max: number }
  | { readonly kind: 'bool' }
  | {
      readonly kind: 'text'
      readonly bytesMax: number
      readonly parse?: (s: string) => unknown
      readonly form?: string
    }
  | { readonly kind: 'bytes'; readonly bytesMin: number; readonly bytesMax: number }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly of: Schema<unknown>; readonly countMax: number }
  | { readonly kind: 'pair'; readonly first: Schema<unknown>; readonly second: Schema<unknown> }
  | { readonly kind: 'obj'; readonly fields: Fields }

export type Infer<S> = S extends Schema<infer T> ? T : never
type OptionalKey<F extends Fields> = { [K in keyof F]: F[K] extends { readonly optional: true } ? K : never }[keyof F]
type Flat<T> = { [K in keyof T]: T[K] }
export type InferFields<F extends Fields> = Flat<
  { readonly [K in Exclude<keyof F, OptionalKey<F>>]: Infer<F[K]> } & {
    readonly [K in OptionalKey<F>]?: Infer<F[K]>
  }
>

/** An integer in min..max; `parse` makes an id of it. */
export function int(min: number, max: number): Schema<number>
export function int<T>(min: number, max: number, parse: (n: number) => T | undefined): Schema<T>
export function int(min: number, max: number, parse?: (n: number) => unknown): Schema<unknown> {
  return { shape: { kind: 'int', min, max, ...(parse && { parse }) } }
}
export const float = (min: number, max: number): Schema<number> => ({ shape: { kind: 'float', min, max } })
export const bool: Schema<boolean> = { shape: { kind: 'bool' } }
/** UTF-8 text without NUL, at most `bytesMax` bytes; `parse` makes an id of it and `form` says in words what fits. */
export function text(bytesMax: number): Schema<string>
export function text<T>(bytesMax: number, parse: (s: string) => T | undefined, form?: string): Schema<T>
export function text(bytesMax: number, parse?: (s: string) => unknown, form?: string): Schema<unknown> {
  return { shape: { kind: 'text', bytesMax, ...(parse && { parse }), ...(form && { form }) } }
}
export const bytes = (bytesMin: number, bytesMax: number): Schema<Uint8Array> => ({
  shape: { kind: 'bytes', bytesMin, bytesMax },
})
export const choice = <const V extends readonly string[]>(...values: V): Schema<V[number]> => ({
  shape: { kind: 'choice', values },
})
export const list = <T>(of: Schema<T>, countMax: number): Schema<readonly T[]> => ({
  shape: { kind: 'list', of, countMax },
})
/** A two-element array: what another language would put in a map, without a peer's string as a key. */
export const pair = <A, B>(first: Schema<A>, second: Schema<B>): Schema<readonly [A, B]> => ({
  shape: { kind: 'pair', first, second },
})
/** A map with known fields; unknown ones are dropped by the check. */
export const obj = <F extends Fields>(fields: F): Schema<InferFields<F>> => ({ shape: { kind: 'obj', fields } })
/** A field that may be missing. nil counts as missing. */
export const opt = <T>(schema: Schema<T>): Schema<T> & { readonly optional: true } => ({ ...schema, optional: true })
/** Attaches the sentence that PROTOCOL.md shows for the field. */
export const doc = <S extends Schema<unknown>>(sentence: string, schema: S): S => ({ ...schema, doc: sentence })

/**
 * Returns `value` as the schema's type: a fresh object that holds known fields only.
 * @throws JankinsError E_BAD_REQUEST with detail.field (dotted path) and detail.expected
 */
export function check<T>(schema: Schema<T>, value: unknown): T {
  return checkShape(schema.shape, value, '', KNOWN_CHOICES) as T
}

/**
 * `check` for what a daemon says, which may be newer than its reader: a word that no choice lists yet is passed on, so
 * who branches on one needs a branch for the rest. PROTOCOL.md §3.
 */
export function checkResult<T>(schema: Schema<T>, value: unknown): T {
  return checkShape(schema.shape, value, '', isNewChoice) as T
}

type Choices = (word: string) => boolean
const KNOWN_CHOICES: Choices = () => false
const isNewChoice: Choices = word => /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(word)

function checkShape(shape: Shape, value: unknown, path: string, alsoFits: Choices): unknown {
  switch (shape.kind) {
    case 'int': {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < shape.min || value > shape.max)
        throw misfit(path, `an integer from ${shape.min} to ${shape.max}`)
      return shape.parse ? parsed(shape.parse(value), path, 'a valid id') : value
    }
    case 'float': {
      if (typeof value !== 'number' || !(value >= shape.min && value <= shape.max))
        throw misfit(path, `a number from ${shape.min} to ${shape.max}`)
      return value
    }
    case 'bool': {
      if (typeof value !== 'boolean') throw misfit(path, 'true or false')
      return value
    }
    case 'text': {
      // A UTF-16 unit is at most 3 bytes of UTF-8: counting is needed only where that bound does not decide.
      if (
        typeof value !== 'string' ||
        (value.length * 3 > shape.bytesMax && Buffer.byteLength(value) > shape.bytesMax) ||
        value.includes('\0')
      )
        throw misfit(path, `text of at most ${shape.bytesMax} bytes without NUL`)
      return shape.parse ? parsed(shape.parse(value), path, shape.form ?? 'a valid id') : value
    }
    case 'bytes': {
      if (!(value instanceof Uint8Array) || value.length < shape.bytesMin || value.length > shape.bytesMax)
        throw misfit(path, `${shape.bytesMin} to ${shape.bytesMax} bytes of binary`)
      return value
    }
    case 'choice': {
      if (typeof value !== 'string' || !(shape.values.includes(value) || alsoFits(value)))
        throw misfit(path, `one of ${shape.values.join(', ')}`)
      return value
    }
    case 'list': {
      if (!Array.isArray(value) || value.length > shape.countMax)
        throw misfit(path, `a list of at most ${shape.countMax}`)
      const of = shape.of.shape
      return value.map((item, index) => checkShape(of, item, `${path}[${index}]`, alsoFits))
    }
    case 'pair': {
      if (!Array.isArray(value) || value.length !== 2) throw misfit(path, 'a list of exactly two')
      return [
        checkShape(shape.first.shape, value[0], `${path}[0]`, alsoFits),
        checkShape(shape.second.shape, value[1], `${path}[1]`, alsoFits),
      ]
    }
    case 'obj':
      return checkFields(shape.fields, value, path, alsoFits)
  }
}

function checkFields(fields: Fields, value: unknown, path: string, alsoFits: Choices): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw misfit(path, 'a map')
  const result: Record<string, unknown> = {}
  for (const key in fields) {
    const field = fields[key] as Schema<unknown>
    const item = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
    const fieldPath = path === '' ? key : `${path}.${key}`
    if (item !== undefined && item !== null) result[key] = checkShape(field.shape, item, fieldPath, alsoFits)
    else if (!field.optional) throw misfit(fieldPath, 'present')
  }
  return result
}

function parsed(result: unknown, path: string, expected: string): unknown {
  if (result === undefined) throw misfit(path, expected)
  return result
}

const misfit = (field: string, expected: string): JankinsError =>
  new JankinsError('E_BAD_REQUEST', { field: field === '' ? 'params' : field, expected })
