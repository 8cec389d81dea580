import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type Bench, type Figures, jankins } from '../harness/bench.js'
import { startDaemon } from '../harness/daemon.js'
import { fillHistory, writeLogs } from '../harness/history.js'
import { only, probe } from '../harness/probed.js'
import type { Scope } from '../harness/scope.js'
import { percentile } from '../harness/statistics.js'
import { openGrants } from '../load/grant.js'

const JOBS = 100_000
/** Of so many the logs are really there: more than are removed in a round. */
const LOGS = 10_000
const SECONDS = 15
const WARM_UP_JOBS = 200
/** Nearly the whole history is older. */
const RETENTION = '[retention]\nage = "1d"\n'

export const retention: Bench = {
  name: 'retention',
  doc: `Grants while retention removes the logs of ${JOBS} jobs, and the same history without retention; --seconds N.`,
  target: 'a grant comes at most 5 ms later at p99, and no turn of the writer is 5 ms longer',
  subjects: [
    jankins((scope, { seconds = SECONDS }) => measure(scope, seconds, RETENTION), 'jankins, pruning'),
    jankins((scope, { seconds = SECONDS }) => measure(scope, seconds, ''), 'jankins, without retention'),
  ],
}

async function measure(scope: Scope, seconds: number, config: string): Promise<Figures> {
  const dataDir = join(scope.directory(), 'data')
  await fillHistory(dataDir, { ended: JOBS, waiting: 0 })
  writeLogs(dataDir, LOGS)
  const probing = probe(scope)
  const daemon = await startDaemon(scope, { ...probing.options, dataDir, config })
  const grant = await openGrants(daemon)
  for (let job = 0; job < WARM_UP_JOBS; job++) await grant()
  probing.forget(daemon)
  const before = prunedIn(dataDir)
  const times: number[] = []
  const endsAtMs = performance.now() + seconds * 1000
  while (performance.now() < endsAtMs) times.push(await grant())
  const pruned = prunedIn(dataDir) - before
  const writer = only(await probing.end(daemon), 'writer')
  return {
    p99: { value: percentile(times, 0.99), unit: 'ms', better: 'less' },
    p50: { value: percentile(times, 0.5), unit: 'ms', better: 'less' },
    max: { value: Math.max(...times), unit: 'ms' },
    'delay of the writer p99': { value: writer.delay.p99, unit: 'ms' },
    'delay of the writer max': { value: writer.delay.max, unit: 'ms' },
    'writer busy': { value: writer.busy * 100, unit: '%' },
    pruned: { value: pruned / seconds, unit: 'jobs/s' },
  }
}

function prunedIn(dataDir: string): number {
  const db = new Database(join(dataDir, 'jankins.db'), { readonly: true })
  try {
    return db.prepare('SELECT count(*) FROM job_prunes WHERE files_left = 0').pluck().get() as number
  } finally {
    db.close()
  }
}
