import { COUNTER_FAMILIES, COUNTERS, type Counter, HISTOGRAMS, type Histogram, type Labels } from './families.js'
import type { ReadableMetrics } from './metrics.js'

/** Of `formatMetrics`. Prometheus, "Exposition formats". */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** What is asked for when somebody wants to know: it may go down. */
export interface Gauge {
  readonly name: string
  readonly help: string
  /** By default `gauge`; `counter` for what others count. */
  readonly type?: 'counter'
  readonly samples: readonly (readonly [labels: Labels, value: number])[]
}

/** Everything as Prometheus reads it: seconds and bytes, counters that end in _total. */
export function formatMetrics(metrics: ReadableMetrics, gauges: readonly Gauge[]): string {
  const lines = [
    ...gauges.flatMap(({ name, help, type = 'gauge', samples }) => [
      ...head(name, help, type),
      ...samples.map(([labels, value]) => sample(name, labels, value)),
    ]),
    ...Object.entries(COUNTER_FAMILIES).flatMap(([name, help]) => [
      ...head(name, help, 'counter'),
      ...Object.entries(COUNTERS)
        .filter(([, { family }]) => family === name)
        .map(([counter, { labels }]) => sample(name, labels, metrics.counted(counter as Counter))),
    ]),
    ...Object.keys(HISTOGRAMS).flatMap(histogram => formatHistogram(histogram as Histogram, metrics)),
  ]
  return `${lines.join('\n')}\n`
}

/** Each bucket holds what the lower ones hold, too. */
function formatHistogram(histogram: Histogram, metrics: ReadableMetrics): string[] {
  const { name, help } = HISTOGRAMS[histogram]
  const { boundsMs, counts, sumMs } = metrics.observed(histogram)
  let count = 0
  const buckets = counts.map((own, bucket) => {
    const boundMs = boundsMs[bucket]
    count += own
    return sample(`${name}_bucket`, { le: boundMs === undefined ? '+Inf' : String(boundMs / 1_000) }, count)
  })
  return [
    ...head(name, help, 'histogram'),
    ...buckets,
    sample(`${name}_sum`, {}, sumMs / 1_000),
    sample(`${name}_count`, {}, count),
  ]
}

const head = (name: string, help: string, type: string): string[] => [
  `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
  `# TYPE ${name} ${type}`,
]

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${pairs.length > 0 ? `{${pairs.join()}}` : ''} ${value}`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
