import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHistogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks'
import { BroadcastChannel, isMainThread, threadId, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

/**
 * Loaded before the daemon, in each of its threads (`node --import`): measures from the inside what no client sees, and
 * writes it to a file in PROBE_DIR when the thread ends. SIGUSR2 forgets what was measured before.
 */
const RESOLUTION_MS = 5

/** What one thread measured. Delays of its event loop and times of its commits, ms. */
export interface Probed {
  readonly thread: 'main' | 'writer' | 'connection'
  readonly delay: Times
  readonly commits: Times
  readonly checkpoints: Times
  /** Part of the time in which the loop was busy, 0 to 1. */
  readonly busy: number
}
export interface Times {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

const directory = process.env.PROBE_DIR
if (directory !== undefined) probe(directory)

function probe(folder: string): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const [commits, checkpoints] = [createHistogram(), createHistogram()]
  timeStatements(text => {
    if (text === 'COMMIT') return commits
    return text.includes('wal_checkpoint') && !text.includes('NOOP') ? checkpoints : undefined
  })
  let utilization = performance.eventLoopUtilization()
  const forget = (): void => {
    for (const histogram of [delay, commits, checkpoints]) histogram.reset()
    utilization = performance.eventLoopUtilization()
  }
  delay.enable()
  const channel = new BroadcastChannel('probe')
  channel.unref()
  channel.onmessage = forget
  if (isMainThread)
    process.on('SIGUSR2', () => {
      forget()
      channel.postMessage('forget')
    })
  process.on('exit', () => {
    const probed: Probed = {
      thread: threadKind(),
      delay: timesOf(delay, RESOLUTION_MS),
      commits: timesOf(commits),
      checkpoints: timesOf(checkpoints),
      busy: performance.eventLoopUtilization(utilization).utilization,
    }
    writeFileSync(join(folder, `${threadId}.json`), JSON.stringify(probed))
  })
}

function threadKind(): Probed['thread'] {
  if (isMainThread) return 'main'
  return typeof workerData === 'object' && 'writer' in workerData ? 'connection' : 'writer'
}

function timeStatements(histogramFor: (text: string) => RecordableHistogram | undefined): void {
  const prototype = Database.prototype as { prepare(this: Database.Database, text: string): Database.Statement }
  const { prepare } = prototype
  prototype.prepare = function timed(text) {
    const statement = prepare.call(this, text)
    const histogram = histogramFor(text)
    if (!histogram) return statement
    for (const method of ['run', 'get'] as const) {
      const original = statement[method].bind(statement)
      statement[method] = ((...args: unknown[]) => {
        const startedAtMs = performance.now()
        try {
          return original(...args)
        } finally {
          histogram.record(Math.max(1, Math.round((performance.now() - startedAtMs) * 1e6)))
        }
      }) as never
    }
    return statement
  }
}

/** @param resolutionMs the loop delay counts its own timer in */
function timesOf(histogram: Omit<RecordableHistogram, 'record' | 'recordDelta' | 'add'>, resolutionMs = 0): Times {
  const at = (percentile: number): number => Math.max(0, histogram.percentile(percentile) / 1e6 - resolutionMs)
  const max = histogram.count === 0 ? 0 : Math.max(0, histogram.max / 1e6 - resolutionMs)
  return { count: histogram.count, p50: at(50), p99: at(99), p999: at(99.9), max }
}
