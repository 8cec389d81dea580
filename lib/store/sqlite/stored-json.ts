import { JankinsError } from '../../../protocol/errors.js'
import { check, type Schema } from '../../../protocol/schema.js'

/** JSON of a row, as its schema; undefined for what is missing or damaged, so that one row never hides the others. */
export function storedJson<T>(schema: Schema<T>, text: string | null): T | undefined {
  if (text === null) return undefined
  try {
    return check(schema, JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof JankinsError) return undefined
    throw error
  }
}
