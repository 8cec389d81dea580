import type { Result } from '../../../protocol/methods.js'
import type { JobView, WorkerView } from '../../../protocol/views.js'
import type { Style } from '../table.js'
import { renderJobs, renderWorkers } from '../tables.js'
import { formatTime } from '../text.js'
import { cutTo } from '../width.js'

/** What one look at the daemon saw. */
export interface Watched {
  readonly status: Result<'server.status'>
  /** Running and waiting ones. */
  readonly jobs: readonly JobView[]
  readonly workers: readonly WorkerView[]
}

const RUNNING_COLUMNS = ['job', 'action', 'user', 'worker', 'attempt', 'took', 'command']
const PENDING_COLUMNS = ['job', 'action', 'user', 'priority', 'queued', 'labels', 'command']
const WORKER_COLUMNS = ['worker', 'user', 'state', 'free', 'load', 'beat', 'labels', 'jobs']

/** The lines of a screen of `rows` rows at most, each at most as wide as the terminal. Pure. */
export function renderWatch({ status, jobs, workers }: Watched, nowMs: number, style: Style, rows: number): string[] {
  const running = jobs.filter(job => job.state === 'RUNNING').sort((a, b) => a.job - b.job)
  const pending = jobs.filter(job => job.state === 'PENDING').sort((a, b) => b.priority - a.priority || a.job - b.job)
  const counts = `${status.running} running, ${status.pending} waiting, ${status.workers} workers`
  const title = `jankins ${status.version}  ${counts}  ${formatTime(nowMs)}  q ends`
  const parts = [
    { rows: linesOf(renderJobs(running, nowMs, { ...style, columns: RUNNING_COLUMNS }, true)), all: status.running },
    { rows: linesOf(renderJobs(pending, nowMs, { ...style, columns: PENDING_COLUMNS }, true)), all: status.pending },
    { rows: linesOf(renderWorkers(workers, nowMs, { ...style, columns: WORKER_COLUMNS }, true)), all: status.workers },
  ]
  // The title, and a blank line above each part.
  const rooms = shares(
    parts.map(part => part.rows.length),
    Math.max(parts.length, rows - 1 - parts.length),
  )
  const body = parts.flatMap((part, index) => ['', ...within(part.rows, rooms[index] as number, part.all)])
  return [cutTo(title, style.width), ...body].slice(0, rows)
}

/** Gives each part what it wants, and divides what is short among those that want most. */
function shares(wanted: readonly number[], room: number): readonly number[] {
  const given = wanted.map(() => 0)
  for (let left = room; left > 0; left--) {
    const lacking = given.map((count, index) => (count < (wanted[index] as number) ? count : Number.POSITIVE_INFINITY))
    const least = Math.min(...lacking)
    if (least === Number.POSITIVE_INFINITY) break
    given[lacking.indexOf(least)] = least + 1
  }
  return given
}

/** The last line says what did not fit. `all` counts rows without their title. */
function within(lines: readonly string[], room: number, all: number): readonly string[] {
  if (lines.length <= room) return lines
  const shown = lines.slice(0, Math.max(1, room - 1))
  return room <= 1 ? shown : [...shown, `... and ${all - (shown.length - 1)} more`]
}

const linesOf = (table: string): readonly string[] => table.trimEnd().split('\n')
