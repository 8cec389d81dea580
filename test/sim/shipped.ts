import type { Buffer } from 'node:buffer'

const MARK = /^\n\[jankins: log limit reached, (\d*)( bytes left out\]\n)?/
const markOf = (digits: string): string => `\n[jankins: log limit reached, ${digits} bytes left out]\n`

/**
 * Whether the daemon's bytes are what a job wrote, as far as they go: the file from its start on, or its head, a mark
 * with the number of bytes left out, and what follows them. Knows nothing of how the worker plans a cut.
 * @returns `whole` when nothing is missing at the end, either
 */
export function compareShipped(stored: Buffer, written: Buffer): 'wrong' | 'prefix' | 'whole' {
  let same = 0
  while (same < stored.length && stored[same] === written[same]) same++
  if (same === stored.length) return stored.length === written.length ? 'whole' : 'prefix'
  // The mark begins with a line feed, which may be what the job wrote there too.
  return [same, same - 1].map(at => compareCut(stored, written, at)).find(result => result !== 'wrong') ?? 'wrong'
}

function compareCut(stored: Buffer, written: Buffer, headBytes: number): 'wrong' | 'prefix' | 'whole' {
  if (headBytes < 0) return 'wrong'
  const rest = stored.toString('latin1', headBytes, headBytes + 100)
  const [mark, digits = '', end] = rest.match(MARK) ?? []
  if (mark === undefined || end === undefined) return markOf(digits).startsWith(rest) ? 'prefix' : 'wrong'
  const tail = stored.subarray(headBytes + mark.length)
  const tailOffset = headBytes + Number(digits)
  if (!written.subarray(tailOffset, tailOffset + tail.length).equals(tail)) return 'wrong'
  return tailOffset + tail.length === written.length ? 'whole' : 'prefix'
}
