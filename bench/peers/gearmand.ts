import { join } from 'node:path'
import { inPath } from '../harness/machine.js'
import { freePort, listening, type Scope } from '../harness/scope.js'

/** Its queue is in memory only: what it answers with is not durable. */
export const GEARMAND = 'gearmand (memory)'
export const hasGearmand = (): boolean => inPath('gearmand') !== undefined

export async function startGearmand(scope: Scope): Promise<{ port: number; pid: number }> {
  const port = await freePort()
  const directory = scope.directory()
  const files = ['-P', join(directory, 'pid'), '-l', join(directory, 'log')]
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
  const program = inPath('gearmand') ?? 'gearmand'
  const child = scope.spawn(program, ['-L', '127.0.0.1', '-p', String(port), ...files, ...user])
  // It waits for its clients to leave before it ends.
  scope.onEnd(() => void child.kill('SIGKILL'))
  await listening(port)
  return { port, pid: child.pid! }
}
