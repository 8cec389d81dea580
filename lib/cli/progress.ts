import type { Timer } from '../base/clock.js'
import { formatBytes } from '../base/units.js'
import type { Context } from './command.js'
import { formatElapsed } from './text.js'
import { cutTo } from './width.js'

const PERIOD_MS = 100
const WAIT_PERIOD_MS = 1_000
const BAR_WIDTH = 20

export interface Progress {
  update(doneBytes: number, totalBytes: number): void
  end(): void
}

/** A bar on a terminal that is written over as a transfer goes on; nothing at all elsewhere. */
export function startProgress(context: Context, what: string): Progress {
  const { stderr, clock } = context
  if (!stderr.isTerminal) return { update() {}, end() {} }
  const startedAtMs = clock.monotonicMs()
  let shownAtMs = Number.NEGATIVE_INFINITY
  let before: number | undefined
  return {
    update(doneBytes, totalBytes) {
      const nowMs = clock.monotonicMs()
      // What an earlier try has sent is no work of this one.
      before ??= doneBytes
      if (nowMs - shownAtMs < PERIOD_MS) return
      shownAtMs = nowMs
      showOver(context, progressLine(what, { doneBytes, totalBytes, before, elapsedMs: nowMs - startedAtMs }))
    },
    end() {
      if (shownAtMs > Number.NEGATIVE_INFINITY) showOver(context, '')
    },
  }
}

export interface Transferred {
  readonly doneBytes: number
  readonly totalBytes: number
  /** Of `doneBytes`, what was there at the beginning. */
  readonly before: number
  readonly elapsedMs: number
}

/** `fetching [#####---------------]  25%  1.0 MiB of 4.0 MiB  512 KiB/s  6s left`. Pure. */
export function progressLine(what: string, { doneBytes, totalBytes, before, elapsedMs }: Transferred): string {
  const share = totalBytes === 0 ? 1 : doneBytes / totalBytes
  const filled = Math.floor(share * BAR_WIDTH)
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  const bytesPerMs = elapsedMs > 0 ? (doneBytes - before) / elapsedMs : 0
  const rate = bytesPerMs > 0 ? `  ${formatBytes(bytesPerMs * 1_000)}/s` : ''
  const left = bytesPerMs > 0 ? `  ${formatElapsed((totalBytes - doneBytes) / bytesPerMs)} left` : ''
  return `${what} ${bar} ${percent}  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}${rate}${left}`
}

/** A line on a terminal that says each second what is waited for, and for how long; nothing at all elsewhere. */
export function startWaiting(context: Context, what: () => string): { end(): void } {
  const { stderr, clock } = context
  if (!stderr.isTerminal) return { end() {} }
  const startedAtMs = clock.monotonicMs()
  let timer: Timer
  const show = (): void => {
    showOver(context, `${what()}, ${formatElapsed(Math.floor((clock.monotonicMs() - startedAtMs) / 1_000) * 1_000)}`)
    timer = clock.after(WAIT_PERIOD_MS, show, { background: true })
  }
  timer = clock.after(WAIT_PERIOD_MS, show, { background: true })
  return {
    end() {
      timer.cancel()
      showOver(context, '')
    },
  }
}

function showOver({ stderr }: Context, text: string): void {
  // One column less: a terminal that is full to the last one goes on in the next line.
  void stderr.write(`\r\u001b[K${cutTo(text, stderr.columns - 1)}`).catch(() => {})
}
