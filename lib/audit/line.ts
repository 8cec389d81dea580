import { hash } from 'node:crypto'

/** Who asked for what, from where. Never a secret: what is noted of the parameters is chosen field by field. */
export interface AuditEntry {
  readonly method: string
  /** As authentication found it; of a failed login what the peer said, cut and printable. */
  readonly user?: string
  readonly role?: string
  /** HOST:PORT of the peer. */
  readonly address: string
  /** With `request` it tells which refusal belongs to which request. */
  readonly connection: number
  /** Id that the peer gave its request. */
  readonly request?: number
  readonly params?: Readonly<Record<string, unknown>>
  /** Error code of a request that was refused, or that failed, after all. */
  readonly refused?: string
  /** So many like this one, within a minute, that have no line of their own. */
  readonly count?: number
}

/** JSON of an AuditEntry. It is made in the thread that has the entry: text crosses to another one cheaper than an object. */
export type EntryText = string

export const entryText = (entry: AuditEntry): EntryText => JSON.stringify(entry)

/** Where a chain ends: the number of its last line, from 1, and the hash of that line. */
export interface ChainEnd {
  readonly line: number
  /** SHA-256 of the line without its newline, hex. */
  readonly hash: string
}

/** What the first line of a chain has for a predecessor. */
export const GENESIS: ChainEnd = { line: 0, hash: '0'.repeat(64) }

export const hashOf = (line: string | Uint8Array): string => hash('sha256', line)

/** One line of JSON that carries the hash of the one before it, and where the chain ends then. */
export function chained(entry: EntryText, atMs: number, before: ChainEnd): { text: string; end: ChainEnd } {
  const line = before.line + 1
  const at = new Date(atMs).toISOString()
  const text = `{"line":${line},"at":"${at}",${entry.slice(1, -1)},"previous":"${before.hash}"}`
  return { text, end: { line, hash: hashOf(text) } }
}

/** Number and predecessor of a line; undefined for what is none. */
export function readLink(text: string): { line: number; previous: string } | undefined {
  try {
    const { line, previous } = JSON.parse(text) as { line?: unknown; previous?: unknown }
    return Number.isSafeInteger(line) && typeof previous === 'string' ? { line: line as number, previous } : undefined
  } catch {
    return undefined
  }
}
