import { COUNTERS, type Counter, HISTOGRAMS, type Histogram } from './families.js'

/**
 * Numbers since the start of the daemon, in memory that all threads share: to count is an addition there, and no message.
 * Neither method ever throws, whatever it is given: what is counted must not fail for it.
 */
export interface Metrics {
  count(counter: Counter, amount?: number): void
  /** A time below 0, of a clock that was set back, counts as 0. */
  observe(histogram: Histogram, ms: number): void
}

/** Beside that, what was counted. The parts of one reading need not be of one moment. */
export interface ReadableMetrics extends Metrics {
  counted(counter: Counter): number
  observed(histogram: Histogram): Observed
}

export interface Observed {
  readonly boundsMs: readonly number[]
  /** How many fell into each bucket and no lower one; the last is for what is above all bounds. */
  readonly counts: readonly number[]
  readonly sumMs: number
}

const CELL_BYTES = BigInt64Array.BYTES_PER_ELEMENT
const COUNTER_CELLS = cells(Object.keys(COUNTERS), () => 1, 0)
/** Of each histogram: its buckets, one for what is above them, and the sum in microseconds. */
const HISTOGRAM_CELLS = cells(
  Object.keys(HISTOGRAMS),
  name => HISTOGRAMS[name as Histogram].boundsMs.length + 2,
  COUNTER_CELLS.end,
)

export function sharedMetrics(
  buffer = new SharedArrayBuffer(HISTOGRAM_CELLS.end * CELL_BYTES),
): ReadableMetrics & { readonly buffer: SharedArrayBuffer } {
  const words = new BigInt64Array(buffer)
  const read = (at: number): number => Number(Atomics.load(words, at))
  return {
    buffer,
    count(counter, amount = 1) {
      Atomics.add(words, COUNTER_CELLS.at(counter), wholeOf(amount))
    },
    observe(histogram, ms) {
      const { boundsMs } = HISTOGRAMS[histogram]
      const at = HISTOGRAM_CELLS.at(histogram)
      const bucket = boundsMs.findIndex(bound => ms <= bound)
      Atomics.add(words, at + (bucket < 0 ? boundsMs.length : bucket), 1n)
      Atomics.add(words, at + boundsMs.length + 1, wholeOf(ms * 1_000))
    },
    counted: counter => read(COUNTER_CELLS.at(counter)),
    observed(histogram) {
      const { boundsMs } = HISTOGRAMS[histogram]
      const at = HISTOGRAM_CELLS.at(histogram)
      const counts = Array.from({ length: boundsMs.length + 1 }, (_, bucket) => read(at + bucket))
      return { boundsMs, counts, sumMs: read(at + boundsMs.length + 1) / 1_000 }
    },
  }
}

/**
 * An estimate, as histogram_quantile of Prometheus makes it: evenly spread within a bucket; the highest bound for what is
 * above it. Undefined when nothing was observed.
 * @param quantile above 0, up to 1
 */
export function quantileMs({ boundsMs, counts }: Observed, quantile: number): number | undefined {
  const rank = quantile * counts.reduce((sum, count) => sum + count, 0)
  if (rank === 0) return undefined
  let below = 0
  for (const [bucket, boundMs] of boundsMs.entries()) {
    const count = counts[bucket] ?? 0
    const fromMs = boundsMs[bucket - 1] ?? 0
    if (below + count >= rank) return fromMs + ((boundMs - fromMs) * (rank - below)) / count
    below += count
  }
  return boundsMs.at(-1)
}

/** NaN too becomes 0: times come from rows, and rows may be damaged. */
const wholeOf = (amount: number): bigint =>
  amount > 0 ? BigInt(Math.round(Math.min(amount, Number.MAX_SAFE_INTEGER))) : 0n

/** Gives each name its place in the memory, one behind the other. */
function cells(
  names: readonly string[],
  cellsOf: (name: string) => number,
  from: number,
): { at(name: string): number; readonly end: number } {
  const places = new Map<string, number>()
  let end = from
  for (const name of names) {
    places.set(name, end)
    end += cellsOf(name)
  }
  return { at: name => places.get(name) as number, end }
}
