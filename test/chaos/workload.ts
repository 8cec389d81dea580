import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { sleep, systemClock } from '../../lib/base/clock.js'
import { connectResilient, type ResilientClient } from '../../lib/client/resilient.js'
import { dialTcp } from '../../lib/client/tcp.js'
import { type JobId, type Name, parseName } from '../../protocol/ids.js'
import type { JobView } from '../../protocol/views.js'
import type { Cluster } from './cluster.js'

export const ACTION = parseName('numbers') as Name

/**
 * What each job does: says outside that it ran, writes numbered lines to both streams in steps, keeps a file of random
 * bytes whose checksum it also writes outside.
 */
const SCRIPT = `
echo "$JANKINS_ATTEMPT" >>"$OUTSIDE/$JANKINS_JOB.ran"
line=0
step=0
while [ $step -lt $STEPS ]; do
  step=$((step + 1))
  last=$((line + 40 + JANKINS_JOB % 7 * 40))
  while [ $line -lt $last ]; do
    line=$((line + 1))
    echo "out $JANKINS_JOB $line"
    echo "err $JANKINS_JOB $line" >&2
  done
  sleep 0.1
done
echo $line >"$OUTSIDE/$JANKINS_JOB.lines"
head -c $((JANKINS_JOB % 5 * 200000 + 1000)) /dev/urandom >"$JANKINS_ARTIFACTS/random"
sha256sum <"$JANKINS_ARTIFACTS/random" >"$OUTSIDE/$JANKINS_JOB.sum"
`

export interface Workload {
  /** Asks the daemon, again and again while it is away. */
  readonly client: ResilientClient
  /** Queues jobs one by one over `ms`, each acknowledged before the next. */
  queue(count: number, ms: number): Promise<readonly JobId[]>
  /** Resolves with all of them, ended. */
  ended(jobs: readonly JobId[]): Promise<readonly JobView[]>
  /** Every job that the daemon knows, newest first. */
  all(): Promise<readonly JobId[]>
  /** What a job wrote outside; undefined when it did not come so far. */
  outside(job: JobId, what: 'ran' | 'lines' | 'sum'): string | undefined
}

/** Makes the action. `jobMs` is about how long a job runs. */
export async function createWorkload(
  t: Test,
  cluster: Cluster,
  options: { readonly outside: string; readonly jobMs: number; readonly leaseMs: number },
): Promise<Workload> {
  const { address, password } = cluster
  const login = { user: parseName('admin') as Name, password }
  const client = await connectResilient({ dial: dialTcp, address, login, clock: systemClock })
  t.teardown(() => client.close())
  await client.call('action.add', {
    action: ACTION,
    script: SCRIPT,
    leaseMs: options.leaseMs,
    environment: [
      ['OUTSIDE', options.outside],
      ['STEPS', String(Math.max(1, Math.round(options.jobMs / 100)))],
    ],
  })
  return {
    client,
    async queue(count, ms) {
      const jobs: JobId[] = []
      const startedAtMs = systemClock.monotonicMs()
      for (let index = 0; index < count; index++) {
        await sleep(systemClock, Math.max(0, startedAtMs + (index * ms) / count - systemClock.monotonicMs()))
        jobs.push(...(await client.call('job.queue', { action: ACTION, key: `chaos-job-${index}` })).jobs)
      }
      return jobs
    },
    ended: jobs => Promise.all(jobs.map(job => endOf(client, job))),
    async all() {
      const found: JobId[] = []
      for (let after: JobId | undefined; ; ) {
        const page = await client.call('job.query', { limit: 100, ...(after !== undefined && { after }) })
        found.push(...page.jobs.map(({ job }) => job))
        if (page.next === undefined) return found
        after = page.next
      }
    },
    outside(job, what) {
      const name = `${job}.${what}`
      return readdirSync(options.outside).includes(name) ? readFileSync(join(options.outside, name), 'utf8') : undefined
    },
  }
}

async function endOf(client: ResilientClient, job: JobId): Promise<JobView> {
  for (;;) {
    const view = (await client.call('job.wait', { job, waitMs: 10_000 }, { waitMs: 10_000 })).job
    if (view.endedAtMs !== undefined) return view
  }
}
