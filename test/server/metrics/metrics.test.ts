import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { COUNTERS, HISTOGRAMS } from '../../../lib/server/metrics/families.js'
import { quantileMs, sharedMetrics } from '../../../lib/server/metrics/metrics.js'

t.test('what several threads count at once adds up', async t => {
  const metrics = sharedMetrics()
  const module = new URL('../../../lib/server/metrics/metrics.js', import.meta.url)
  const code = `
    const { workerData } = require('node:worker_threads')
    import(workerData.module).then(({ sharedMetrics }) => {
      const metrics = sharedMetrics(workerData.buffer)
      for (let i = 0; i < 10_000; i++) {
        metrics.count('heartbeat')
        metrics.observe('commit', 0.2)
      }
    })`
  const workerData = { module: module.href, buffer: metrics.buffer }
  const threads = [1, 2, 3].map(() => new Worker(code, { eval: true, workerData }))
  await Promise.all(threads.map(thread => once(thread, 'exit')))
  t.equal(metrics.counted('heartbeat'), 30_000)
  t.match(metrics.observed('commit'), { sumMs: 6_000 })
})

t.test('every number has a place of its own', async t => {
  const metrics = sharedMetrics()
  const counters = Object.keys(COUNTERS) as (keyof typeof COUNTERS)[]
  const histograms = Object.keys(HISTOGRAMS) as (keyof typeof HISTOGRAMS)[]
  for (const [index, counter] of counters.entries()) metrics.count(counter, index + 1)
  for (const [index, histogram] of histograms.entries()) metrics.observe(histogram, 1e9 + index)
  for (const [index, counter] of counters.entries()) t.equal(metrics.counted(counter), index + 1, counter)
  for (const [index, histogram] of histograms.entries()) {
    const { counts, sumMs, boundsMs } = metrics.observed(histogram)
    t.equal(sumMs, 1e9 + index, histogram)
    t.strictSame(counts, [...boundsMs.map(() => 0), 1], 'above all bounds')
  }
})

t.test('counters go on beyond 32 bits, and nothing that is counted throws', async t => {
  const metrics = sharedMetrics()
  metrics.count('logSentBytes', 2 ** 40)
  metrics.count('logSentBytes', 2 ** 40)
  t.equal(metrics.counted('logSentBytes'), 2 ** 41)
  for (const ms of [-5, Number.NaN, Number.NEGATIVE_INFINITY]) metrics.observe('queueWait', ms)
  metrics.count('failed', Number.NaN)
  t.equal(metrics.counted('failed'), 0)
  t.equal(metrics.observed('queueWait').sumMs, 0)
  metrics.observe('queueWait', Number.POSITIVE_INFINITY)
  t.equal(
    metrics.observed('queueWait').counts.reduce((sum, count) => sum + count, 0),
    4,
  )
})

t.test('a time falls into the first bucket that is not below it', async t => {
  const metrics = sharedMetrics()
  for (const ms of [0, 0.05, 0.050_1, 10_000, 10_001]) metrics.observe('commit', ms)
  const { boundsMs, counts } = metrics.observed('commit')
  t.strictSame([boundsMs[0], boundsMs.at(-1)], [0.05, 10_000])
  t.strictSame([counts[0], counts[1], counts.at(-2), counts.at(-1)], [2, 1, 1, 1])
})

t.test('a quantile is estimated within its bucket', async t => {
  const boundsMs = [1, 2, 10]
  const of = (counts: readonly number[], quantile: number) => quantileMs({ boundsMs, counts, sumMs: 0 }, quantile)
  t.equal(of([0, 0, 0, 0], 0.5), undefined, 'nothing was observed')
  t.equal(of([4, 0, 0, 0], 0.5), 0.5)
  t.equal(of([0, 0, 4, 0], 0.5), 6)
  t.equal(of([5, 0, 5, 0], 0.5), 1, 'the end of the lower half')
  t.equal(of([5, 0, 5, 0], 0.9), 8.4)
  t.equal(of([98, 1, 0, 1], 0.99), 2)
  t.equal(of([1, 0, 0, 9], 0.99), 10, 'above all bounds nothing is known')
})
