/** Facts are plain values: no secret, no peer's text without a bound. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  debug(message: string, facts?: Facts): void
  info(message: string, facts?: Facts): void
  warn(message: string, facts?: Facts): void
  error(message: string, facts?: Facts, error?: unknown): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** From the least to the most urgent. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** `auto`: journal where stderr is one, text on a terminal, else json. */
export const LOG_FORMATS = ['auto', 'text', 'json', 'journal'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** A line of the log on its way between threads: plain data. */
export interface LogRecord {
  readonly level: LogLevel
  readonly message: string
  readonly facts?: Facts
  /** Of the error that came along, with those of its causes. */
  readonly stack?: string
}

/**
 * A log whose lines become records: a thread posts them to the main thread, a test keeps them.
 * @param least of what is taken; looked at for each line where it may change
 */
export function recordLog(least: LogLevel | (() => LogLevel), take: (record: LogRecord) => void): Log {
  const rank = (level: LogLevel): number => LOG_LEVELS.indexOf(level)
  const at = (level: LogLevel) => (message: string, facts?: Facts, error?: unknown) => {
    if (rank(level) < rank(typeof least === 'function' ? least() : least)) return
    take({ level, message, ...(facts && { facts }), ...(error !== undefined && { stack: stackOf(error) }) })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** The stack of an error with those of its causes; the text of anything else that was thrown. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`
}
