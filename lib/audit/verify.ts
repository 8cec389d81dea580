import { createReadStream } from 'node:fs'
import { basename, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { auditFiles, readHead } from './files.js'
import { type ChainEnd, GENESIS, hashOf, readLink } from './line.js'

export interface Verdict {
  /** Lines that were read. */
  readonly lines: number
  /** Hash of the last one: who keeps it elsewhere can tell later that nothing before it was changed. */
  readonly hash: string
  /** In order; empty when the log is whole. */
  readonly problems: readonly string[]
}

/** Reads every line of a data directory, or of one file. @throws Error when it cannot be read */
export async function verifyAudit(where: { readonly dataDir: string } | { readonly file: string }): Promise<Verdict> {
  const files = 'file' in where ? [where.file] : auditFiles(where.dataDir)
  const problems: string[] = []
  // A daemon makes one before it does anything.
  if (!('file' in where) && files.length === 0) problems.push(`there is no audit log in ${resolve(where.dataDir)}`)
  let lines = 0
  let before: ChainEnd | undefined
  for (const file of files) {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      lines++
      const { end, problem } = follow(before, text)
      if (problem !== undefined) problems.push(`${basename(file)}: ${problem}`)
      before = end
    }
  }
  const end = before ?? GENESIS
  const cut = 'file' in where ? undefined : cutOff(readHead(where.dataDir), end)
  if (cut !== undefined) problems.push(cut)
  return { lines, hash: end.hash, problems }
}

/** @param before undefined for the first line that is there: those before it may have been moved away with their file */
function follow(before: ChainEnd | undefined, text: string): { end: ChainEnd; problem?: string } {
  const link = readLink(text)
  const expected = (before?.line ?? 0) + 1
  if (!link) return { end: { line: expected, hash: hashOf(text) }, problem: `line ${expected} cannot be read` }
  const end = { line: link.line, hash: hashOf(text) }
  if (!before)
    return link.line > 1 || link.previous === GENESIS.hash
      ? { end }
      : { end, problem: 'line 1 is not the beginning of a log' }
  if (link.line > expected) return { end, problem: `${linesOf(expected, link.line - 1)} missing` }
  if (link.line < expected) return { end, problem: `line ${link.line} stands behind line ${before.line}` }
  if (link.previous === before.hash) return { end }
  return { end, problem: `line ${before.line} was changed: line ${link.line} has the hash of another text` }
}

function cutOff(head: ChainEnd | undefined, end: ChainEnd): string | undefined {
  if (!head) return end.line === 0 ? undefined : 'audit.head is missing: whether the last lines are there is not known'
  if (head.line > end.line) return `${linesOf(end.line + 1, head.line)} missing at the end`
  if (head.line === end.line && head.hash !== end.hash) return `line ${end.line} was changed: it is the last one`
  return undefined
}

const linesOf = (from: number, to: number): string => (from === to ? `line ${from} is` : `lines ${from} to ${to} are`)
