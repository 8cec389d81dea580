import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../lib/base/clock.js'
import { type Client, connect } from '../../lib/client/connection.js'
import { dialTcp } from '../../lib/client/tcp.js'
import type { Name } from '../../protocol/ids.js'
import type { Definition } from '../../protocol/views.js'
import type { Account } from '../load/login.js'
import { ACTION } from '../load/queue.js'
import { cpuSecondsOf } from './machine.js'
import type { Scope } from './scope.js'

const BIN = join(import.meta.dirname, '../../bin')

/** The default but for a quiet log, and all connections from one address and user. */
const CONFIG = 'log_level = "warn"\nconnections_per_address = 10000\nconnections_per_user = 10000\n'

export interface Daemon {
  readonly child: ChildProcess
  readonly pid: number
  readonly port: number
  /** From the start of the process until it listened, ms. */
  readonly startMs: number
  readonly dataDir: string
  /** Of admin, who may do everything. */
  readonly account: Account
  readonly client: Client
  /** For the command line. */
  readonly env: NodeJS.ProcessEnv
}

export interface DaemonOptions {
  /** A new one by default. */
  readonly dataDir?: string
  /** For node itself, before the program. */
  readonly nodeArgs?: readonly string[]
  /** For jankinsd. */
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Added to jankins.conf. */
  readonly config?: string
}

/** The built daemon on a free port, with one action called ACTION. */
export async function startDaemon(scope: Scope, options: DaemonOptions = {}): Promise<Daemon> {
  const directory = scope.directory()
  const dataDir = options.dataDir ?? join(directory, 'data')
  const config = join(directory, 'jankins.conf')
  writeFileSync(config, CONFIG + (options.config ?? ''))
  const program = [...(options.nodeArgs ?? []), join(BIN, 'jankinsd.js'), ...(options.args ?? [])]
  const startedAtMs = performance.now()
  const child = scope.spawn(process.execPath, [...program, '--port', '0', '--data', dataDir, '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
  })
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout! }), 'line'), failed(child)])) as [
    string,
  ]
  const startMs = performance.now() - startedAtMs
  const port = Number(line.split(':').at(-1))
  const password = readFileSync(join(dataDir, 'admin-password'), 'utf8').trim()
  const { client, account } = await connectAsAdmin(port, password)
  scope.onEnd(() => client.destroy())
  await addAction(client, ACTION, { command: ['true'] })
  return {
    ...{ child, pid: child.pid!, port, startMs, dataDir, account, client },
    env: {
      ...process.env,
      ...{
        JANKINS_SERVER: `127.0.0.1:${port}`,
        JANKINS_USER: 'admin',
        JANKINS_PASSWORD: password,
        JANKINS_CONFIG: config,
      },
    },
  }
}

export const addAction = (client: Client, action: string, definition: Definition): Promise<unknown> =>
  client.call('action.add', { action: action as Name, replace: true, ...definition })

/** CPU time that a process takes while `work` runs, s. */
export async function cpuOf<T>(pid: number, work: () => Promise<T>): Promise<{ cpuSeconds: number; result: T }> {
  const before = cpuSecondsOf(pid)
  const result = await work()
  return { cpuSeconds: cpuSecondsOf(pid) - before, result }
}

async function connectAsAdmin(port: number, password: string): Promise<{ client: Client; account: Account }> {
  let account: Account | undefined
  const client = await connect({
    dial: dialTcp,
    address: { host: '127.0.0.1', port },
    login: { user: 'admin' as Name, password },
    clock: systemClock,
    onKeys({ keys }) {
      const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
      account = { user: 'admin', clientKey: base64(keys.clientKey), serverKey: base64(keys.serverKey) }
    },
  })
  return { client, account: account! }
}

async function failed(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`jankinsd ended with ${code} before it listened`)
}
