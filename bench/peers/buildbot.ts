import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { inPath } from '../harness/machine.js'
import { freePort, listening, type Scope } from '../harness/scope.js'

/** A master with its state in SQLite and a worker; each build is one step that runs a command. */
export const BUILDBOT = 'buildbot'
export const hasBuildbot = (): boolean => ['buildbot', 'buildbot-worker'].every(program => inPath(program))

const FILES = join(import.meta.dirname, 'buildbot')
const POLL_MS = 20

export interface BuildbotOptions {
  /** What each build runs. */
  readonly command: readonly string[]
  /** Builds at once. */
  readonly slots?: number
  /** The worker writes to this file when it is given a build. */
  readonly granted?: string
}

export interface Master {
  readonly port: number
  readonly process: ChildProcess
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
}

/** A master without a worker. Changes queue its builds: Debian has nothing else that would. */
export async function startMaster(scope: Scope, options: BuildbotOptions): Promise<Master> {
  const [port, directory] = [await freePort(), join(scope.directory(), 'master')]
  const env = {
    ...process.env,
    ...{ BENCH_PORT: String(port), BENCH_SLOTS: String(options.slots ?? 1), BENCH_GRANTED: options.granted },
    BENCH_COMMAND: JSON.stringify(options.command),
  }
  const config = ['--config', join(FILES, 'master.py')]
  const { status, stderr } = spawnSync('buildbot', ['create-master', '-r', '-q', ...config, directory], {
    ...{ env, encoding: 'utf8' },
  })
  if (status !== 0) throw new Error(`buildbot create-master: ${stderr}`)
  const child = scope.spawn('buildbot', ['start', '--nodaemon', directory], { env, cwd: directory })
  await listening(port)
  return { port, process: child, directory, env }
}

/** For `buildbot`: a command that queues one build. */
export const changeArgs = ({ port }: Master): readonly string[] => [
  ...['sendchange', '--master', `127.0.0.1:${port}`, '--auth', 'change:password'],
  ...['--who', 'bench', '--category', 'builder-0', 'file'],
]

export interface Buildbot {
  readonly master: number
  readonly worker: number
  /** Queues so many builds over a connection that is there already, until all have ended. @throws Error when one failed */
  build(count: number): Promise<void>
}

/** A master and its worker, attached when this resolves. */
export async function startBuildbot(scope: Scope, options: BuildbotOptions): Promise<Buildbot> {
  const master = await startMaster(scope, options)
  const worker = startWorker(scope, master)
  const db = new Database(join(master.directory, 'state.sqlite'), { readonly: true })
  scope.onEnd(() => void db.close())
  const one = (sql: string): number => db.prepare(sql).pluck().get() as number
  const until = async (isSo: () => boolean): Promise<void> => {
    for (; !isSo(); await sleep(POLL_MS))
      for (const child of [master.process, worker])
        if ((child.exitCode ?? child.signalCode) !== null) throw new Error(`${child.spawnargs.join(' ')} has ended`)
  }
  await until(() => one('SELECT count(*) FROM connected_workers') > 0)
  const send = await openChanges(scope, master)
  let builds = 0
  return {
    ...{ master: master.process.pid!, worker: worker.pid! },
    async build(count) {
      await send(count)
      builds += count
      await until(() => one('SELECT count(*) FROM builds WHERE complete_at IS NOT NULL') >= builds)
      if (one('SELECT count(*) FROM builds WHERE results != 0') > 0) throw new Error('a build of buildbot failed')
    },
  }
}

function startWorker(scope: Scope, { env }: Master): ChildProcess {
  const directory = scope.directory()
  copyFileSync(join(FILES, 'worker.py'), join(directory, 'buildbot.tac'))
  return scope.spawn('buildbot-worker', ['start', '--nodaemon', directory], { env, cwd: directory })
}

/** A connection that sends as many changes as it is told to. */
async function openChanges(scope: Scope, { env }: Master): Promise<(count: number) => Promise<void>> {
  const child = scope.spawn(interpreter(), [join(FILES, 'changes.py')], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout! })
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`changes.py ended with ${code}`)
  })
  failed.catch(() => {})
  const line = (): Promise<unknown> => Promise.race([once(lines, 'line'), failed])
  await line()
  return async count => {
    child.stdin!.write(`${count}\n`)
    await line()
  }
}

/** The Python that has buildbot's modules. */
const interpreter = (): string =>
  readFileSync(inPath('buildbot') ?? '', 'utf8')
    .split('\n', 1)[0]!
    .slice('#!'.length)
