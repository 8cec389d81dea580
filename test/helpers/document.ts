/** A command block of a document: ```sh, then the machine that it is for, then `stays` when it does not end by itself. */
export interface Block {
  /** Of its first line, from 1. */
  readonly line: number
  /** `sh` alone stands for the machine of the reader. */
  readonly machine: string
  readonly stays: boolean
  readonly script: string
  /** What it shows: the ```text block right below it. */
  readonly shown: string | undefined
}

const BLOCK = /^```sh(?: (?!stays)(\S+))?( stays)?\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm
/** Stands for any lines. */
const GAP = '...'

/** The blocks of a Markdown text that are to be run, in order; ```console and others only show. */
export function readBlocks(markdown: string): readonly Block[] {
  return [...markdown.matchAll(BLOCK)].map(({ index, 1: machine = 'here', 2: stays, 3: script = '', 4: shown }) => ({
    line: markdown.slice(0, index).split('\n').length + 1,
    machine,
    stays: stays !== undefined,
    script,
    shown,
  }))
}

/**
 * Whether lines are there as a document shows them: in order, whatever the numbers, times, sizes and widths of columns.
 * Without `...` between two of them nothing else may stand there.
 * @returns the first shown line that is missing
 */
export function missingLine(shown: string, printed: string): string | undefined {
  const lines = printed.trimEnd().split('\n').map(loosely)
  let at = 0
  let anywhere = false
  for (const line of shown.trimEnd().split('\n')) {
    if (line.trim() === GAP) {
      anywhere = true
      continue
    }
    const found = anywhere ? lines.indexOf(loosely(line), at) : lines[at] === loosely(line) ? at : -1
    if (found < 0) return line
    at = found + 1
    anywhere = false
  }
  return anywhere || at === lines.length ? undefined : `nothing but ${JSON.stringify(lines[at])}`
}

const loosely = (line: string): string =>
  line
    .trim()
    .replace(/\bnow\b|\d[\d.:-]*(ms|[smhd]|[KMG]?i?B)?(?: [KMG]?i?B\b)?( ago)?/g, '#')
    .replace(/\s+/g, ' ')
