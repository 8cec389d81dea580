import { ERROR_CODES, type ErrorDetail, JankinsError } from '../../protocol/errors.js'
import { ArchiveError } from '../client/archive/archive-error.js'
import { ConnectionLostError } from '../client/connection.js'
import { CredentialsError } from '../client/credentials.js'
import { TrustError } from '../client/trust.js'
import { LoginError, type Output, UsageError } from './command.js'
import { NearMissError } from './nearest.js'

/** Exit status of a program that could not do what it was told. */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3 } as const

/** What a person is told of an error, in one line, and the exit status that goes with it. */
export interface Failure {
  readonly line: string
  readonly status: number
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  E_BAD_REQUEST: EXIT.usage,
  E_AUTH: EXIT.unreachable,
  E_NOT_APPROVED: EXIT.unreachable,
  E_DISABLED: EXIT.unreachable,
  E_THROTTLED: EXIT.unreachable,
  E_VERSION: EXIT.unreachable,
  E_TLS_REQUIRED: EXIT.unreachable,
  E_NOT_AUTHENTICATED: EXIT.unreachable,
  E_DRAINING: EXIT.unreachable,
  E_BAD_FRAME: EXIT.unreachable,
}

/** Why no connection was made, for people. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; start jankinsd, or name another daemon by --server or JANKINS_SERVER',
  ENOTFOUND: 'there is no such host; name another by --server or JANKINS_SERVER',
  EAI_AGAIN: 'the name of the host cannot be looked up now; try again',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no way to this network',
  ETIMEDOUT: 'the host does not answer',
  ECONNRESET: 'the other side closed the connection; try again',
}

/** One line on stderr. @returns the exit status that goes with it */
export async function sayFailure(stderr: Output, error: unknown): Promise<number> {
  const { line, status } = failureOf(error)
  await stderr.write(`jankins: ${oneLine(line)}\n`)
  return status
}

/** A peer's text may hold anything: what could move the cursor or begin another line is shown as a blank. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').trim()

export function failureOf(error: unknown): Failure {
  if (error instanceof NearMissError) return { line: wireLine(error.miss, error.nearest), status: EXIT.failed }
  if (error instanceof JankinsError) return { line: wireLine(error), status: STATUS_BY_CODE[error.code] ?? EXIT.failed }
  if (error instanceof UsageError || error instanceof TrustError) return { line: error.message, status: EXIT.usage }
  if (error instanceof LoginError || error instanceof CredentialsError)
    return { line: error.message, status: EXIT.unreachable }
  if (error instanceof ConnectionLostError)
    return { line: `${error.message}${causeOf(error)}`, status: EXIT.unreachable }
  if (error instanceof Error && isForeseen(error)) return { line: error.message, status: EXIT.failed }
  return { line: `this should not happen: ${error}; JANKINS_DEBUG=1 shows where`, status: EXIT.failed }
}

/** Errors of the system carry a code; refusals of ours have a class of their own. Anything else is a bug. */
const isForeseen = (error: Error): boolean =>
  (error as NodeJS.ErrnoException).code !== undefined || error instanceof ArchiveError

function wireLine({ code, detail }: JankinsError, nearest?: string): string {
  const { field, expected, ...others } = detail
  if (code === 'E_BAD_REQUEST' && 'field' in detail && 'expected' in detail)
    return `${field} must be ${expected} (${code})`
  const text = nearest === undefined ? ERROR_CODES[code].text : `${ERROR_CODES[code].text}; did you mean ${nearest}?`
  return `${text} (${[code, ...facts(others)].join(', ')})`
}

const facts = (detail: ErrorDetail): readonly string[] =>
  Object.entries(detail).map(([key, value]) => `${key}: ${value}`)

function causeOf({ cause }: ConnectionLostError): string {
  if (cause instanceof JankinsError) return `: ${wireLine(cause)}`
  if (!(cause instanceof Error)) return ''
  const { code } = cause as NodeJS.ErrnoException
  return `: ${(code !== undefined && CAUSES[code]) || cause.message || code}`
}
