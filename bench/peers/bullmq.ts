import { createRequire } from 'node:module'
import { join } from 'node:path'
import { inPath } from '../harness/machine.js'
import { freePort, listening, type Scope } from '../harness/scope.js'

/** Redis with an fsync before each answer, and the job queue that most who use Redis for that take. */
export const BULLMQ = 'bullmq, appendfsync always'

export interface BullQueue {
  add(name: string, data: unknown, options?: object): Promise<unknown>
  waitUntilReady(): Promise<unknown>
  close(): Promise<void>
}
export interface BullWorker {
  waitUntilReady(): Promise<unknown>
  close(force?: boolean): Promise<void>
}
/** The little of bullmq that is used here: it is not a dependency of the project. */
export interface BullModule {
  readonly Queue: new (name: string, options: object) => BullQueue
  readonly Worker: new (name: string, run: () => Promise<void>, options: object) => BullWorker
}

/** A folder with node_modules/bullmq, and the client of Redis that it takes. */
const FOLDER = process.env.PEERS_DIR

export function hasBullmq(): boolean {
  if (FOLDER === undefined || !inPath('redis-server')) return false
  try {
    const { resolve } = createRequire(join(FOLDER, 'from.cjs'))
    for (const name of ['bullmq', 'ioredis']) resolve(name)
    return true
  } catch {
    return false
  }
}

export const loadBullmq = (): BullModule => createRequire(join(FOLDER ?? '', 'from.cjs'))('bullmq') as BullModule

export async function startRedis(scope: Scope): Promise<{ port: number; pid: number }> {
  const port = await freePort()
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
  const place = ['--bind', '127.0.0.1', '--port', String(port), '--dir', scope.directory()]
  const child = scope.spawn(inPath('redis-server') ?? 'redis-server', [...place, ...durable])
  await listening(port)
  return { port, pid: child.pid! }
}

export const connectionTo = (port: number): object => ({ host: '127.0.0.1', port, maxRetriesPerRequest: null })
