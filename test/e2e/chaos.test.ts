import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { JobView } from '../../protocol/views.js'
import { startCluster } from '../chaos/cluster.js'
import { createRandom } from '../chaos/random.js'
import { BLOWS, storm } from '../chaos/storm.js'
import { faultsOf, openFiles, processesWith, temporaryFiles } from '../chaos/verdict.js'
import { createWorkload } from '../chaos/workload.js'
import { temporaryDirectory } from '../helpers/processes.js'
import { until } from '../helpers/worker-bench.js'

/** `npm run chaos` sets these; a seed of an earlier run deals the same blows at the same times. */
const SECONDS = Number(process.env.JANKINS_CHAOS_SECONDS ?? 60)
const SEED = Number(process.env.JANKINS_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32))
const WORKERS = 8
const JOBS = 200
const LEASE_MS = 15_000

t.setTimeout((SECONDS + 240) * 1_000)

t.test('jobs outlive the kills of daemon and workers and the breaks of their lines, each run once', async t => {
  const random = createRandom(SEED)
  const lines: string[] = []
  const startedAtMs = Date.now()
  const note = (line: string): void => void lines.push(`${((Date.now() - startedAtMs) / 1e3).toFixed(1)} s ${line}`)
  t.comment(`seed ${SEED}, ${SECONDS} s`)
  const ms = SECONDS * 1_000
  t.teardown(() => {
    if (SECONDS > 60 || !t.passing()) for (const line of lines) console.error(line)
  })
  const outside = join(temporaryDirectory(t), 'outside')
  mkdirSync(outside)
  const cluster = await startCluster(t, { workers: WORKERS, environment: { JANKINS_CHAOS_RUN: outside } })
  const jobMs = (ms * WORKERS * 0.5) / JOBS
  const workload = await createWorkload(t, cluster, { outside, jobMs, leaseMs: LEASE_MS })

  const blowsEach = Math.max(4, Math.round(SECONDS / 12))
  const longStalls = Math.max(1, Math.round(SECONDS / 60))
  const [counts, jobs] = await Promise.all([
    storm(cluster, { ms, blowsEach, longStalls, leaseMs: LEASE_MS, random, note }),
    workload.queue(JOBS, ms * 0.8),
  ])
  const views = await workload.ended(jobs)
  note('all have ended')

  const faults = await Promise.all(views.map(view => judge(view)))
  t.strictSame(faults.flat(), [], 'every job that is COMPLETE ran once, with its whole log and its artifact')
  const complete = views.filter(({ state }) => state === 'COMPLETE').length
  t.ok(complete >= 0.9 * JOBS, `${complete} of ${JOBS} are COMPLETE`)
  t.strictSame(
    await workload.all(),
    [...jobs].sort((a, b) => b - a),
    'no request made a job twice',
  )

  await nothingIsLeft()
  for (const blow of BLOWS)
    t.ok(counts[blow] >= (blow === 'long stall' ? longStalls : blowsEach), `${counts[blow]} ${blow}`)
  t.comment(`${complete} COMPLETE, ${JOBS - complete} TIMEOUT`)
  /** A job that is not COMPLETE must be one whose worker was cut off for longer than the lease. */
  async function judge(view: JobView): Promise<readonly string[]> {
    if (view.state === 'COMPLETE') return await faultsOf(workload, view)
    const { job, state, worker, startedAtMs: fromMs = 0, endedAtMs: toMs = 0 } = view
    const runs = workload.outside(job, 'ran') ?? ''
    const box = cluster.workers.find(({ name }) => name === worker)
    const isExplained = state === 'TIMEOUT' && runs.length <= 2 && box?.outages.explain(fromMs, toMs, LEASE_MS)
    const what = `${state} ${view.reason} on ${worker}, ${toMs - fromMs} ms, ran ${JSON.stringify(runs)}`
    note(`job ${job}: ${what}; ${box?.outages.describe(fromMs, toMs)}`)
    return isExplained ? [] : [`job ${job}: ${what}; ${box?.outages.describe(fromMs, toMs)}`]
  }

  async function nothingIsLeft(): Promise<void> {
    for (const box of cluster.workers) {
      await until(`${box.name} has removed its attempts`, () => box.attempts().length === 0)
      box.process().child.kill('SIGTERM')
      t.equal((await box.process().ended).code, 0, `${box.name} ends in order`)
      t.equal(box.line.openCount, 0, 'and leaves no connection')
    }
    t.strictSame(processesWith(outside), [], 'no process is left')
    const isTimedOut = new Set(views.filter(({ state }) => state !== 'COMPLETE').map(({ job }) => String(job)))
    const left = temporaryFiles(cluster.dataDir).filter(name => !isTimedOut.has(name.match(/(\d+)\.part$/)?.[1] ?? ''))
    t.strictSame(left, [], 'no temporary file is left')
    workload.client.close()
    await until('the daemon has closed its files', () => openFiles(cluster).length === 0)
    t.equal((await cluster.daemon().stop()).code, 0)
  }
})
