import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Daemon } from './daemon.js'
import { memoryOf } from './machine.js'
import type { Scope } from './scope.js'

const JANKINS = join(import.meta.dirname, '../../bin/jankins.js')
const SAMPLE_MS = 20

export interface Ran {
  /** From before its start to its end, ms. */
  readonly tookMs: number
  /** Most memory that it was seen with, MiB. */
  readonly memoryMib: number
  readonly stdout: string
}

/** Runs a command of jankins to its end. @throws Error when it does not end with 0 */
export const runJankins = (
  scope: Scope,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  stdout: 'pipe' | number = 'pipe',
): Promise<Ran> => runProgram(scope, process.execPath, [JANKINS, ...args], env, stdout)

export async function runProgram(
  scope: Scope,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdout: 'pipe' | number = 'pipe',
): Promise<Ran> {
  const startedAtMs = performance.now()
  const child = scope.spawn(program, args, { env, stdio: ['ignore', stdout, 'inherit'] })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  let memoryMib = 0
  const sampler = setInterval(() => {
    memoryMib = Math.max(memoryMib, peakOf(child))
  }, SAMPLE_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(sampler)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`)
  return { tookMs: performance.now() - startedAtMs, memoryMib, stdout: text }
}

/** A worker of this daemon, attached when this resolves. */
export async function startWorker(scope: Scope, { env, client }: Daemon, jobs = 1): Promise<ChildProcess> {
  const args = ['work', '--name', 'bench', '--dir', join(scope.directory(), 'worker'), '--jobs', String(jobs)]
  const child = scope.spawn(process.execPath, [JANKINS, ...args], { env })
  for (;;) {
    const { claimsParked } = await client.call('server.status', {})
    if (claimsParked > 0) return child
    if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}`)
    await new Promise(resolve => setTimeout(resolve, SAMPLE_MS))
  }
}

function peakOf({ pid }: ChildProcess): number {
  try {
    return pid === undefined ? 0 : memoryOf(pid, 'VmHWM') || 0
  } catch {
    return 0
  }
}
