import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Machine } from './machine.js'
import type { Result } from './rounds.js'

/** A figure with where it was taken: a line of baseline.jsonl. */
export type Line = Result & Machine

/** Losses above this part of the baseline are flagged. */
const LOSS_MAX = 0.15

export const linesOf = (results: readonly Result[], machine: Machine): readonly Line[] =>
  results.map(result => ({ ...result, ...machine }))

export function saveLines(file: string, lines: readonly Line[]): void {
  appendFileSync(file, lines.map(line => `${JSON.stringify(line)}\n`).join(''))
}

/**
 * In words, what of jankins is more than LOSS_MAX worse than when it was last saved on the same kind of machine; and what
 * its peers lost or won since, which tells how much of it is the machine's.
 */
export function losses(file: string, lines: readonly Line[]): readonly string[] {
  const saved = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(text => text !== '')
        .map(text => JSON.parse(text) as Line)
    : []
  const changes = lines.flatMap(line => {
    const before = saved.findLast(other => isSame(line, other))
    return before && line.better ? [{ line, before, change: changeOf(line, before) }] : []
  })
  return changes
    .filter(({ line, change }) => isOwn(line.subject) && change < -LOSS_MAX)
    .map(({ line, before, change }) => {
      const peers = changes
        .filter(
          ({ line: other }) => other.bench === line.bench && other.figure === line.figure && !isOwn(other.subject),
        )
        .map(peer => `, ${peer.line.subject} ${inWords(peer.change)}`)
      const values = `${line.value} ${line.unit}, ${before.value} at ${before.commit}`
      return `${line.bench} ${line.subject} ${line.figure}: ${values}: ${inWords(change)}${peers.join('')}`
    })
}

/** Part by which a figure is better, or worse when below 0. */
const changeOf = (now: Line, before: Line): number =>
  (now.better === 'more' ? now.value / before.value : before.value / now.value) - 1

const inWords = (change: number): string => `${Math.abs(Math.round(change * 100))} % ${change < 0 ? 'worse' : 'better'}`

const isSame = (a: Line, b: Line): boolean =>
  (['bench', 'subject', 'figure', 'hogs', 'cpu', 'cores'] as const).every(key => a[key] === b[key]) &&
  a.node.split('.')[0] === b.node.split('.')[0]

/** One row per subject: its figures, and how many times better or worse jankins is by the first of them. */
export function table(results: readonly Result[]): string {
  const rows = [['bench', 'subject', 'median', 'min to max', 'jankins is', 'other figures']]
  for (const { main, others } of bySubject(results)) {
    const own = results.find(
      ({ bench, figure, subject }) => bench === main.bench && figure === main.figure && isOwn(subject),
    )
    rows.push([
      main.bench + (main.hogs ? ` beside ${main.hogs} hogs` : ''),
      main.subject,
      `${main.value} ${main.unit}`,
      `${main.min} to ${main.max}`,
      own && !isOwn(main.subject) ? `${ratio(own, main).toFixed(2)} x` : '',
      others.map(({ figure, value, unit }) => `${figure} ${value} ${unit}`).join(', '),
    ])
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  const rule = `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n')
}

const isOwn = (subject: string): boolean => subject.startsWith('jankins')

/** Above 1: jankins is better. */
const ratio = (own: Result, peer: Result): number =>
  own.better === 'less' ? peer.value / own.value : own.value / peer.value

function bySubject(results: readonly Result[]): readonly { main: Result; others: readonly Result[] }[] {
  const groups = new Map<string, Result[]>()
  for (const result of results) {
    const key = `${result.bench} ${result.subject}`
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  return [...groups.values()].map(([main, ...others]) => ({ main: main!, others }))
}
