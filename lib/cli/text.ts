/** Small values as people read them. Pure. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long something took: `0.12s`, `4.5s`, `3m 05s`, `2h 10m`, `3d 4h`. */
export function formatElapsed(ms: number): string {
  if (ms < 10 * SECOND) return `${(Math.max(0, ms) / SECOND).toFixed(ms < SECOND ? 2 : 1)}s`
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ${two((ms % MINUTE) / SECOND)}s`
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h ${two((ms % HOUR) / MINUTE)}m`
  return `${Math.floor(ms / DAY)}d ${Math.floor((ms % DAY) / HOUR)}h`
}

/** How long ago it was, to one unit: `now`, `42s ago`, `5m ago`, `3h ago`, `12d ago`. */
export function formatAgo(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs
  if (ms < SECOND) return 'now'
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s ago`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ago`
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h ago`
  return `${Math.floor(ms / DAY)}d ago`
}

/** What another clock differs by: `1m 30s ahead`, `0.12s behind`, `the same` to within 10 ms. */
export function formatOffset(offsetMs: number): string {
  if (Math.abs(offsetMs) < 10) return 'the same'
  return `${formatElapsed(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}`
}

/** `2026-05-04 13:07:09Z` */
export const formatTime = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}Z`

/** A peer's text on one line: what could move the cursor or change its colour is shown as an escape. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, character => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    return `\\u{${character.codePointAt(0)?.toString(16)}}`
  })

/** Arguments as a shell would read them back. */
export const formatCommand = (argv: readonly string[]): string =>
  argv
    .map(argument => (/^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`))
    .join(' ')

const two = (n: number): string => String(Math.floor(n)).padStart(2, '0')
