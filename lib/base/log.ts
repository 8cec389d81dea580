/** Facts are plain values: no secret, no peer's text without a bound. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  debug(message: string, facts?: Facts): void
  info(message: string, facts?: Facts): void
  warn(message: string, facts?: Facts): void
  error(message: string, facts?: Facts, error?: unknown): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
