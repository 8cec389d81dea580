import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChainEnd } from './line.js'

/** The file that is written. */
export const CURRENT = 'audit.log'
/** Where the chain ended when it was last written: what tells that the last lines are gone. */
export const HEAD = 'audit.head'

/** Name of a full file, by its last line: their order is the order of names. */
export const fullName = (lastLine: number): string => `audit-${String(lastLine).padStart(12, '0')}.log`

/** All files of a data directory that hold lines, oldest first. An admin may have moved the oldest away. */
export function auditFiles(dataDir: string): string[] {
  const full = readdirSync(dataDir).filter(name => /^audit-\d{12,}\.log$/.test(name))
  const names = existsSync(join(dataDir, CURRENT)) ? [...full.sort(), CURRENT] : full.sort()
  return names.map(name => join(dataDir, name))
}

/** Undefined when there is none, or none that can be read. */
export function readHead(dataDir: string): ChainEnd | undefined {
  try {
    const { line, hash } = JSON.parse(readFileSync(join(dataDir, HEAD), 'utf8')) as Partial<ChainEnd>
    return Number.isSafeInteger(line) && typeof hash === 'string' ? { line: line as number, hash } : undefined
  } catch {
    return undefined
  }
}

const HEAD_BYTES = 128

/** Always as long, so that it is written in place. */
export const headText = ({ line, hash }: ChainEnd): string =>
  `${JSON.stringify({ line, hash }).padEnd(HEAD_BYTES - 1)}\n`
