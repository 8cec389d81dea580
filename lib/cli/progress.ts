import type { Context } from './command.js'
import { formatBytes } from './text.js'

const PERIOD_MS = 100

export interface Progress {
  update(doneBytes: number, totalBytes: number): void
  end(): void
}

/** One line on a terminal that is written over as a transfer goes on; nothing at all elsewhere. */
export function startProgress({ stderr, clock }: Context, what: string): Progress {
  if (!stderr.isTerminal) return { update() {}, end() {} }
  let shownAtMs = Number.NEGATIVE_INFINITY
  const show = (text: string): void => void stderr.write(`\r\u001b[K${text}`).catch(() => {})
  return {
    update(doneBytes, totalBytes) {
      const nowMs = clock.monotonicMs()
      if (nowMs - shownAtMs < PERIOD_MS) return
      shownAtMs = nowMs
      const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes)
      show(`${what} ${percent}%  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`)
    },
    end() {
      if (shownAtMs > Number.NEGATIVE_INFINITY) show('')
    },
  }
}
