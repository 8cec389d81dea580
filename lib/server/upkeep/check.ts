import { readFileSync, statfsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { JobId } from '../../../protocol/ids.js'
import type { JobView } from '../../../protocol/views.js'
import { systemClock } from '../../base/clock.js'
import type { DaemonConfig } from '../../base/config.js'
import { formatSize } from '../../base/units.js'
import type { Blobs } from '../../blobs/blobs.js'
import { openBlobs } from '../../blobs/open.js'
import { StoreVersionError } from '../../store/migrate.js'
import { openReader } from '../../store/open.js'
import type { StoreReader } from '../../store/store.js'
import { findDamage } from '../../store/upkeep.js'
import { StartError } from '../front/start-error.js'
import { loadTls } from '../front/tls-material.js'

/** What is not as it should be, and what mends it. */
export interface Problem {
  readonly what: string
  readonly mend: string
}

const SECRETS = ['daemon-id', 'scram-secret', 'secret-key', 'admin-password', 'tls.pem', 'jankins.db']
/** Descriptors of the daemon beside its connections: files of logs, databases, threads. */
const DESCRIPTORS_BESIDE = 512
const PAGE_JOBS = 500

/**
 * Looks at the machine, the data directory, its database and the files that its rows name; changes nothing, and a daemon
 * may run meanwhile. Yields problems as they are found.
 */
export async function* findProblems(config: DaemonConfig): AsyncGenerator<Problem> {
  yield* descriptorProblems(config)
  yield* tlsProblems(config)
  const dataDir = resolve(config.dataDir)
  const isThere = await stat(join(dataDir, 'jankins.db')).catch(() => undefined)
  // The first start makes what is missing.
  if (!isThere) return
  yield* modeProblems(dataDir)
  yield* roomProblems(dataDir, config.reserveBytes)
  const damage = await databaseProblems(dataDir)
  yield* damage
  if (damage.length === 0) yield* fileProblems(dataDir)
}

function* descriptorProblems({ connectionsMax }: DaemonConfig): Generator<Problem> {
  const limit = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  if (!(limit < connectionsMax + DESCRIPTORS_BESIDE)) return
  const what = `a process may open ${limit} files here, too few for ${connectionsMax} connections`
  yield { what, mend: `raise the limit (LimitNOFILE of the unit, ulimit -n), or lower connections_max` }
}

/** Of files that are named; those of `auto` are made by the first start. */
function* tlsProblems({ tls, dataDir }: DaemonConfig): Generator<Problem> {
  if (!tls || tls.certificate === 'auto') return
  try {
    loadTls(tls, dataDir, systemClock.nowMs())
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    yield { what: error.message, mend: 'docs/security.md makes key and certificates step by step' }
  }
}

async function* modeProblems(dataDir: string): AsyncGenerator<Problem> {
  for (const [path, mode] of [[dataDir, '0700'], ...SECRETS.map(name => [join(dataDir, name), '0600'])] as const) {
    const stats = await stat(path).catch(() => undefined)
    if (stats && (stats.mode & 0o077) !== 0)
      yield { what: `others than its owner may use ${path}`, mend: `chmod ${mode} ${path}` }
  }
}

function* roomProblems(dataDir: string, reserveBytes: number): Generator<Problem> {
  const { bavail, bsize } = statfsSync(dataDir)
  if (bavail * bsize >= reserveBytes) return
  const what = `the disk of ${dataDir} has ${formatSize(bavail * bsize)} left, less than reserve: new work is refused`
  yield { what, mend: 'make room, or lower reserve' }
}

async function databaseProblems(dataDir: string): Promise<readonly Problem[]> {
  try {
    return findDamage(dataDir).map(what => ({
      what: `the database is damaged: ${what}`,
      mend: 'stop the daemon and restore a backup: jankinsd restore FILE --data DIR',
    }))
  } catch (error) {
    const mend = error instanceof StoreVersionError ? 'see above' : 'run this as the user of the daemon'
    return [{ what: (error as Error).message, mend }]
  }
}

/** COMPLETE promises that log and artifacts are there. */
async function* fileProblems(dataDir: string): AsyncGenerator<Problem> {
  const store = openReader(dataDir)
  const blobs = openBlobs(dataDir)
  try {
    for await (const job of allJobs(store)) yield* missingFiles(job, blobs)
  } finally {
    await blobs.close()
    store.close()
  }
}

async function* allJobs(store: StoreReader): AsyncGenerator<JobView> {
  for (let after: JobId | undefined, more = true; more; ) {
    const { jobs, next } = await store.queryJobs({}, after, PAGE_JOBS)
    yield* jobs
    after = next
    more = next !== undefined
  }
}

async function* missingFiles(view: JobView, blobs: Blobs): AsyncGenerator<Problem> {
  const { job, attempt, state, logBytes, artifactBytes, bundle, prunedAtMs } = view
  const mend = 'restore a backup, or take it as lost'
  if (state === 'PENDING' && bundle !== undefined && (await blobs.bundleBytes(bundle)) === undefined)
    yield { what: `the files that travel with job ${job} are missing`, mend: `stop the job and queue it again` }
  if (state !== 'COMPLETE' || prunedAtMs !== undefined) return
  const found = await blobs.lengths({ job, attempt })
  if (found.stdout + found.stderr !== logBytes)
    yield { what: `the log of job ${job} has ${found.stdout + found.stderr} bytes instead of ${logBytes}`, mend }
  if (found.artifacts !== artifactBytes)
    yield { what: `the artifacts of job ${job} have ${found.artifacts} bytes instead of ${artifactBytes}`, mend }
}
