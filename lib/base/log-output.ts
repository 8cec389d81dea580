import { fstatSync } from 'node:fs'
import { pino } from 'pino'
import type { Clock } from './clock.js'
import { type Log, type LogFormat, type LogLevel, type LogRecord, recordLog } from './log.js'

/** sd-daemon(3): the priority that a line in a journal begins with. */
const PRIORITIES: { readonly [L in LogLevel]: number } = { debug: 7, info: 6, warn: 4, error: 3 }

export interface ProgramLog extends Log {
  /** A record that another thread made. */
  write(record: LogRecord): void
  /** From now on. Of records that other threads make only the format changes: they hold a level of their own. */
  configure(options: Pick<LogOptions, 'level' | 'format'>): void
}

export interface LogOutput {
  /** Takes whole lines. */
  write(line: string): void
}

export interface LogOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  readonly clock: Clock
  /** stderr by default, written at once: the line that tells of the end of the process must not be lost. */
  readonly output?: LogOutput
}

/** The log of a whole program; threads post their records to it. */
export function createLog(options: LogOptions): ProgramLog {
  const output = options.output ?? pino.destination({ fd: 2, sync: true })
  let { level } = options
  let print = writerOf(options.format)
  const write = (record: LogRecord): void => print(record)

  function writerOf(wanted: LogFormat): (record: LogRecord) => void {
    const format = wanted === 'auto' ? formatOf(process.env, process.stderr.isTTY === true) : wanted
    return format === 'json' ? jsonWriter(options, output) : textWriter(options, output, format)
  }

  return {
    ...recordLog(() => level, write),
    write,
    configure(wanted) {
      level = wanted.level
      print = writerOf(wanted.format)
    },
  }
}

/** @param environment JOURNAL_STREAM names device and inode of the journal's socket, systemd.exec(5) */
export function formatOf(environment: NodeJS.ProcessEnv, isTerminal: boolean): Exclude<LogFormat, 'auto'> {
  const journal = environment.JOURNAL_STREAM
  if (journal && journal === stderrName()) return 'journal'
  return isTerminal ? 'text' : 'json'
}

function stderrName(): string | undefined {
  try {
    const { dev, ino } = fstatSync(2)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

function jsonWriter({ clock }: LogOptions, output: LogOutput): (record: LogRecord) => void {
  const logger = pino(
    {
      level: 'debug',
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
    },
    output,
  )
  return ({ level, message, facts, stack }) => logger[level]({ ...facts, ...(stack && { stack }) }, message)
}

function textWriter({ clock }: LogOptions, output: LogOutput, format: 'text' | 'journal'): (record: LogRecord) => void {
  return record => {
    const { level, message, facts = {}, stack } = record
    const pairs = Object.entries(facts).filter(([, value]) => value !== undefined)
    const first = [message, ...pairs.map(([name, value]) => `${name}=${quoted(value)}`)].join(' ')
    const lines = [printable(first), ...(stack ?? '').split('\n').filter(Boolean).map(printable)]
    // The journal has time and level of its own, and every line there needs its priority.
    if (format === 'journal') output.write(lines.map(line => `<${PRIORITIES[level]}>${line}\n`).join(''))
    else output.write(`${new Date(clock.nowMs()).toISOString()} ${level.padEnd(5)} ${lines.join('\n    ')}\n`)
  }
}

const quoted = (value: unknown): string => {
  const text = String(value)
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)
}

/** A peer's text must not steer the terminal, nor begin a line of its own. */
const printable = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
