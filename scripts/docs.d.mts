import type { ERROR_CODES } from '../protocol/errors.js'
import type { LIMITS } from '../protocol/limits.js'
import type { COMMON_ERRORS, METHODS, NOTICES } from '../protocol/methods.js'
import type { Schema } from '../protocol/schema.js'

export function parts(tables: {
  readonly METHODS: typeof METHODS
  readonly NOTICES: typeof NOTICES
  readonly COMMON_ERRORS: typeof COMMON_ERRORS
  readonly ERROR_CODES: typeof ERROR_CODES
  readonly LIMITS: typeof LIMITS
  readonly VIEWS: Readonly<Record<string, Schema<unknown>>>
}): Record<string, string>
export function fill(document: string, all: Readonly<Record<string, string>>): string
