import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, type Figures, jankins, type Subject } from '../harness/bench.js'
import { runJankins, runProgram, startWorker } from '../harness/command.js'
import { addAction, type Daemon, startDaemon } from '../harness/daemon.js'
import { allComplete, queueJobs } from '../harness/jobs.js'
import { inPath, memoryOf } from '../harness/machine.js'
import type { Scope } from '../harness/scope.js'
import { ACTION } from '../load/queue.js'
import { BUILDBOT, hasBuildbot, startBuildbot } from '../peers/buildbot.js'
import { hasLaminar, LAMINAR, startLaminar } from '../peers/laminar.js'

const MB = 1e6
const LOG_BYTES = 200 * MB
const ARTIFACT_BYTES = 2 ** 30
const PIECE_BYTES = 2 ** 20

/** Bytes of one job on their way to the daemon and back. */
function bulkBench(kind: 'log' | 'artifact', way: 'write' | 'read', doc: string, target: string): Bench {
  const measure = kind === 'log' ? logOnce : artifactOnce
  const own = jankins(async scope => (await measure(scope))[way])
  return { name: `${kind}-${way}`, doc, target, subjects: kind === 'log' ? [own, ...logPeers(way)] : [own] }
}

const logPeers = (way: 'write' | 'read'): readonly Subject[] => [
  {
    name: LAMINAR,
    isInstalled: () => hasLaminar() && inPath('curl') !== undefined,
    measure: async scope => (await laminarLogOnce(scope))[way],
  },
  // Its logs are read by way of its web server, which Debian does not have.
  { name: BUILDBOT, isInstalled: () => way === 'write' && hasBuildbot(), measure: buildbotLogOnce },
]

export const logWrite = bulkBench(
  ...(['log', 'write'] as const),
  'A job that prints 200 MB: from its queueing until its log is complete at the daemon.',
  '300 MB/s, daemon and worker below 150 MB each',
)
export const logRead = bulkBench(
  ...(['log', 'read'] as const),
  '`jankins log` of 200 MB into a file, the whole process.',
  '800 MB/s, daemon and command below 150 MB each',
)
export const artifactWrite = bulkBench(
  ...(['artifact', 'write'] as const),
  'A job that leaves 1 GiB that is compressed already: from its queueing until that is on the disk of the daemon.',
  '400 MB/s, below 150 MB each',
)
export const artifactRead = bulkBench(
  ...(['artifact', 'read'] as const),
  '`jankins fetch` of 1 GiB, unpacked, the whole process.',
  '400 MB/s, below 150 MB each',
)

type Way = Readonly<Record<'write' | 'read', Figures>>

async function logOnce(scope: Scope): Promise<Way> {
  const daemon = await startDaemon(scope)
  await addAction(daemon.client, ACTION, { command: ['cat', logSource(scope)] })
  const written = await runOnce(scope, daemon, LOG_BYTES)
  const copy = join(scope.directory(), 'log')
  const file = openSync(copy, 'w')
  const { tookMs, memoryMib } = await runJankins(scope, daemon.env, ['log', String(written.job)], file)
  closeSync(file)
  if (statSync(copy).size !== LOG_BYTES) throw new Error(`the log has ${statSync(copy).size} bytes`)
  return { write: written.figures, read: figuresOf(LOG_BYTES, tookMs, daemon, { command: memoryMib }) }
}

async function laminarLogOnce(scope: Scope): Promise<Way> {
  const daemon = await startLaminar(scope, `exec cat ${logSource(scope)}`)
  const { tookMs } = await daemon.ask('run')
  const write = figuresOf(LOG_BYTES, tookMs, daemon)
  const copy = join(scope.directory(), 'log')
  const read = await runProgram(scope, 'curl', ['-sSf', '-o', copy, daemon.logUrl], process.env)
  const { size } = statSync(copy)
  // Before what the job writes it says what it runs.
  if (size < LOG_BYTES) throw new Error(`the log has ${size} bytes`)
  return { write, read: figuresOf(LOG_BYTES, read.tookMs, daemon, { command: read.memoryMib }) }
}

async function buildbotLogOnce(scope: Scope): Promise<Figures> {
  const { build, master, worker } = await startBuildbot(scope, { command: ['cat', logSource(scope)] })
  const sentAtMs = performance.now()
  await build(1)
  const tookMs = performance.now() - sentAtMs
  return figuresOf(LOG_BYTES, tookMs, { pid: master }, { worker: memoryOf(worker, 'VmHWM') })
}

async function artifactOnce(scope: Scope): Promise<Way> {
  const daemon = await startDaemon(scope)
  const source = join(scope.directory(), 'source.gz')
  writeFile(source, ARTIFACT_BYTES, randomBytes(64 * PIECE_BYTES))
  await addAction(daemon.client, ACTION, { command: ['cp', '--reflink=auto', '-l', source, '.'], artifacts: ['*.gz'] })
  const written = await runOnce(scope, daemon, ARTIFACT_BYTES)
  const target = scope.directory()
  const args = ['fetch', String(written.job), '-o', target]
  const { tookMs, memoryMib } = await runJankins(scope, daemon.env, args)
  const { size } = statSync(join(target, 'source.gz'))
  if (size !== ARTIFACT_BYTES) throw new Error(`the artifact has ${size} bytes`)
  rmSync(target, { recursive: true })
  return { write: written.figures, read: figuresOf(ARTIFACT_BYTES, tookMs, daemon, { command: memoryMib }) }
}

async function runOnce(scope: Scope, daemon: Daemon, bytes: number): Promise<{ job: number; figures: Figures }> {
  const worker = await startWorker(scope, daemon)
  const sentAtMs = performance.now()
  const jobs = await queueJobs(daemon.client)
  await allComplete(daemon.client, jobs)
  const tookMs = performance.now() - sentAtMs
  const figures = figuresOf(bytes, tookMs, daemon, { worker: memoryOf(worker.pid ?? 0, 'VmHWM') })
  return { job: jobs[0]!, figures }
}

function figuresOf(
  bytes: number,
  tookMs: number,
  daemon: { readonly pid: number },
  memoryMib: Readonly<Record<string, number>> = {},
): Figures {
  const memory = Object.entries({ daemon: memoryOf(daemon.pid, 'VmHWM'), ...memoryMib })
  return {
    rate: { value: bytes / MB / (tookMs / 1000), unit: 'MB/s', better: 'more' },
    ...Object.fromEntries(memory.map(([who, mib]) => [`${who} at most`, { value: mib, unit: 'MiB', better: 'less' }])),
  }
}

/** A file for a job to print. */
function logSource(scope: Scope): string {
  const source = join(scope.directory(), 'source')
  writeFile(source, LOG_BYTES, Buffer.from(`${'a line of a log, as long as such lines are '.repeat(2)}\n`))
  return source
}

/** `pattern` again and again, cut at the end. */
function writeFile(path: string, bytes: number, pattern: Buffer): void {
  const repeats = Math.ceil(PIECE_BYTES / pattern.length)
  const piece = repeats > 1 ? Buffer.concat(Array<Buffer>(repeats).fill(pattern)) : pattern
  const file = openSync(path, 'wx')
  for (let left = bytes; left > 0; left -= piece.length) writeSync(file, piece, 0, Math.min(left, piece.length))
  closeSync(file)
}
