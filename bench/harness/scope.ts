import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const END_MS = 10_000
const UP_MS = 15_000

/** Nothing outlives the bench, also when it is ended in the middle of a measurement. */
const children = new Set<ChildProcess>()
const directories = new Set<string>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const path of directories) remove(path)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

/** What one measurement started: all of it is gone when the scope has ended, the newest first. */
export class Scope {
  readonly #undo: (() => Promise<void> | void)[] = []

  onEnd(undo: () => Promise<void> | void): void {
    this.#undo.push(undo)
  }

  /** @throws what the last step that failed threw, when all of them were done */
  async end(): Promise<void> {
    const undo = this.#undo.pop()
    if (!undo) return
    try {
      await undo()
    } finally {
      await this.end()
    }
  }

  /** In the file system of BENCH_TMP, else of the system's temporary directory. */
  directory(): string {
    const path = mkdtempSync(join(process.env.BENCH_TMP || tmpdir(), 'jankins-bench-'))
    directories.add(path)
    this.onEnd(() => remove(path))
    return path
  }

  /** Ended by SIGTERM at the end of the scope, and by SIGKILL when that does not do. */
  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options })
    children.add(child)
    child.on('error', () => {}).on('exit', () => children.delete(child))
    this.onEnd(() => endProcess(child))
    return child
  }
}

/** Who still writes there has just been killed. */
function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10 })
  directories.delete(path)
}

export async function endProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
  await ended
  clearTimeout(timer)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port was given')
  return address.port
}

/** Resolves when something listens there: peers do not tell. */
export async function listening(port: number): Promise<void> {
  for (const startedAtMs = performance.now(); ; await sleep(20)) {
    const isUp = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (isUp) return
    if (performance.now() - startedAtMs > UP_MS) throw new Error(`nothing listens on port ${port}`)
  }
}
