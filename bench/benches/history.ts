import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../../lib/client/connection.js'
import type { Name } from '../../protocol/ids.js'
import type { Params } from '../../protocol/methods.js'
import { type Bench, type Figures, jankins } from '../harness/bench.js'
import { type Daemon, startDaemon } from '../harness/daemon.js'
import { fillHistory, HISTORY } from '../harness/history.js'
import { memoryOf } from '../harness/machine.js'
import type { Scope } from '../harness/scope.js'
import { percentile } from '../harness/statistics.js'
import { acknowledgeFrame, attachFrame, ClaimFrame } from '../load/finish.js'
import { grantIn } from '../load/frames.js'
import { openLine } from '../load/grant.js'
import { runLoad } from '../load/run.js'

/** Made anew for each round when HISTORY_DIR does not name a directory that bench:fill has made. */
const JOBS = 200_000
const PAGES = 10
/** Times that all of them are asked for; the first does not count: by then the code is compiled. */
const PASSES = 4
const CONNECTIONS = 16
const LOADED_JOBS = 20_000

export const history: Bench = {
  name: 'history',
  doc: `Pages of a long history, and queueing and finishing on top of it: ${JOBS} jobs, or HISTORY_DIR as bench:fill made it.`,
  target: 'each page below 10 ms at p99; rates within 15 % of an empty database; started within 1 s',
  subjects: [
    jankins(async scope => {
      const dataDir = process.env.HISTORY_DIR ? copyOf(scope, process.env.HISTORY_DIR) : await filled(scope)
      const daemon = await startDaemon(scope, { dataDir })
      const memory = memoryOf(daemon.pid)
      const pages = await pageTimes(daemon.client)
      await blockTheRest(daemon)
      return {
        ...(await rates(scope, daemon)),
        'page p99': { value: percentile(pages, 0.99), unit: 'ms', better: 'less' },
        'page p50': { value: percentile(pages, 0.5), unit: 'ms', better: 'less' },
        ...startOf(daemon, memory),
      }
    }),
    jankins(async scope => {
      const daemon = await startDaemon(scope)
      const memory = memoryOf(daemon.pid)
      return { ...(await rates(scope, daemon)), ...startOf(daemon, memory) }
    }, 'jankins, empty database'),
  ],
}

const startOf = ({ startMs }: Daemon, memory: number): Figures => ({
  start: { value: startMs, unit: 'ms', better: 'less' },
  memory: { value: memory, unit: 'MiB', better: 'less' },
})

async function filled(scope: Scope): Promise<string> {
  const dataDir = join(scope.directory(), 'data')
  await fillHistory(dataDir, { ended: JOBS, waiting: JOBS / 10 })
  return dataDir
}

/** Rounds change the database: each has its own. */
function copyOf(scope: Scope, directory: string): string {
  const copy = join(scope.directory(), 'data')
  cpSync(directory, copy, { recursive: true })
  return copy
}

async function pageTimes(client: Client): Promise<readonly number[]> {
  await passTimes(client)
  const times: number[] = []
  for (let pass = 1; pass < PASSES; pass++) times.push(...(await passTimes(client)))
  return times
}

/** Round trips of the first pages of every kind of filter, ms. */
async function passTimes(client: Client): Promise<readonly number[]> {
  const [action, user] = [HISTORY.actions[3] as Name, HISTORY.users[0] as Name]
  const worker = 'worker-7' as Name
  const filters: readonly Params<'job.query'>[] = [
    {},
    ...[{ action }, { user }, { worker }],
    ...(['PENDING', 'RUNNING', 'COMPLETE', 'TIMEOUT', 'CANCELLED'] as const).map(state => ({ state })),
    ...[
      { action, user },
      { action, worker },
      { user, worker, state: 'TIMEOUT' as const },
      { action, user, worker, pid: 1 },
    ],
  ]
  const times: number[] = []
  for (const filter of filters) {
    let after: Params<'job.query'>['after']
    for (let page = 0; page < PAGES; page++) {
      const sentAtMs = performance.now()
      const { next } = await client.call('job.query', { ...filter, limit: 100, ...(after !== undefined && { after }) })
      times.push(performance.now() - sentAtMs)
      if (next === undefined) break
      after = next
    }
  }
  return times
}

/** A worker takes the one job that the blocked action may run, and keeps it. */
async function blockTheRest(daemon: Daemon): Promise<void> {
  const line = await openLine(daemon)
  await line.ask(attachFrame('holder').fresh())
  const [claim, acknowledge] = [new ClaimFrame(), acknowledgeFrame()]
  acknowledge.name(grantIn(await line.ask(claim.fresh())))
  acknowledge.check(await line.ask(acknowledge.fresh()))
}

async function rates(scope: Scope, { port, account }: Daemon): Promise<Figures> {
  const order = { port, account, connections: CONNECTIONS, seconds: 30 }
  const queued = await runLoad(scope, { ...order, kind: 'queue', operationsMax: LOADED_JOBS }, 2)
  const finished = await runLoad(scope, { ...order, kind: 'finish', operationsMax: LOADED_JOBS - CONNECTIONS }, 2)
  return {
    queue: { value: queued.perSecond, unit: '/s', better: 'more' },
    finish: { value: finished.perSecond, unit: '/s', better: 'more' },
  }
}
