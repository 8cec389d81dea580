import t from 'tap'
import { endCounter } from '../../../lib/server/metrics/ended.js'
import { COUNTER_FAMILIES, COUNTERS, HISTOGRAMS } from '../../../lib/server/metrics/families.js'
import { gaugesOf } from '../../../lib/server/metrics/gauges.js'
import { sharedMetrics } from '../../../lib/server/metrics/metrics.js'
import { formatMetrics } from '../../../lib/server/metrics/text.js'
import { REASONS } from '../../../protocol/fields.js'
import { parseMetrics, sampleOf } from '../../helpers/prometheus.js'

const moment = {
  ...{ pending: 3, running: 2, workers: 4, claimsParked: 1, connections: 9, startedAtMs: 1_500 },
  liveness: { alive: 4, suspect: 5, lost: 6 },
}

t.test('the text keeps the rules of its format, before and after something was counted', async t => {
  const metrics = sharedMetrics()
  const families = parseMetrics(formatMetrics(metrics, gaugesOf(moment)))
  for (const name of Object.keys(COUNTER_FAMILIES)) t.equal(families.get(name)?.type, 'counter', name)
  for (const { name } of Object.values(HISTOGRAMS)) t.equal(families.get(name)?.type, 'histogram', name)
  metrics.count('bundleSentBytes', 2 ** 45)
  for (const ms of [0.01, 3, 1e6]) metrics.observe('dispatch', ms)
  const counted = parseMetrics(formatMetrics(metrics, gaugesOf(moment)))
  t.equal(sampleOf(counted, 'jankins_sent_bytes_total{kind="bundle"}'), 2 ** 45)
  t.equal(sampleOf(counted, 'jankins_job_dispatch_seconds_bucket{le="0.00005"}'), 1)
  t.equal(sampleOf(counted, 'jankins_job_dispatch_seconds_bucket{le="0.005"}'), 2)
  t.equal(sampleOf(counted, 'jankins_job_dispatch_seconds_count'), 3)
  t.equal(sampleOf(counted, 'jankins_job_dispatch_seconds_sum'), 1_000.003_01)
  t.equal(sampleOf(counted, 'jankins_jobs{state="PENDING"}'), 3)
  t.equal(sampleOf(counted, 'jankins_workers{liveness="suspect"}'), 5)
  t.equal(sampleOf(counted, 'process_start_time_seconds'), 1.5)
})

t.test('names follow the conventions: one prefix, base units', async t => {
  const names = [...parseMetrics(formatMetrics(sharedMetrics(), gaugesOf(moment))).keys()]
  t.strictSame(
    names.filter(name => !/^(jankins|process)_[a-z_]+$/.test(name)),
    [],
  )
  t.strictSame(
    names.filter(name => /_(ms|milliseconds|kib|mib|count)(_|$)/.test(name)),
    [],
  )
})

t.test('help and labels are escaped', async t => {
  const text = formatMetrics(sharedMetrics(), [
    { name: 'odd', help: 'a\\b\nc', samples: [[{ label: 'say "a\\b"\n' }, 1]] },
  ])
  t.match(text, '# HELP odd a\\\\b\\nc\n# TYPE odd gauge\nodd{label="say \\"a\\\\b\\"\\n"} 1\n')
  parseMetrics(text)
})

t.test('the parser of the tests refuses what breaks the rules', async t => {
  const head = '# HELP a_total x\n# TYPE a_total counter\n'
  for (const text of [
    ...['a 1\n', `${head}a_total 1`, `${head}a_total -1\n`, `${head}a_total one\n`, `${head}b 1\n`, head],
    ...[`${head}a_total 1\na_total 1\n`, `${head}a_total{x=1} 1\n`, `${head}a_total 1\n${head}a_total 1\n`],
    ...['# HELP a x\n# TYPE a counter\na 1\n', '# HELP a x\na 1\n', '# HELP a x\n# TYPE a thing\na 1\n'],
    '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
  ])
    t.throws(() => parseMetrics(text), text)
})

t.test('each end of a job is counted as what it is', async t => {
  const end = { endedAtMs: 1, logBytes: 0, artifactBytes: 0 }
  t.equal(endCounter({ kind: 'COMPLETE', end: { ...end, exitCode: 0 } }), 'succeeded')
  t.equal(endCounter({ kind: 'COMPLETE', end: { ...end, exitCode: 3 } }), 'failed')
  t.equal(endCounter({ kind: 'COMPLETE', end: { ...end, signal: 'SIGKILL' } }), 'failed')
  t.equal(endCounter({ kind: 'TIMEOUT', end: { ...end, reason: 'worker-lost' } }), 'workerLost')
  t.equal(endCounter({ kind: 'CANCELLED', end: { ...end, reason: 'worker-lost' } }), 'stoppedAndLost')
  t.equal(endCounter({ kind: 'CANCELLED', end: { ...end, reason: 'stopped' } }), 'stopped')
  t.equal(endCounter({ kind: 'COMPLETE', end: { ...end, reason: 'worker-lost' } }), 'failed', 'a worker’s nonsense')
  const known = new Set(Object.values(COUNTERS).flatMap(({ labels }) => ('reason' in labels ? [labels.reason] : [])))
  for (const reason of REASONS) t.ok(known.has(reason), reason)
})
