import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Scope } from '../harness/scope.js'
import { sum } from '../harness/statistics.js'
import type { Load } from './loop.js'
import type { FromLoad, LoadOrder } from './order.js'

const PROGRAM = fileURLToPath(new URL('./process.js', import.meta.url))

export interface TotalLoad extends Omit<Load, 'seconds'> {
  readonly perSecond: number
}

/**
 * Runs one kind of load from several processes at once; they begin together, when all of them are connected.
 * @param order `connections` and `operationsMax` are those of all processes together
 * @param onStart called when all are connected, before the first request
 */
export async function runLoad(
  scope: Scope,
  order: Omit<LoadOrder, 'process'>,
  processes: number,
  onStart: () => void = () => {},
): Promise<TotalLoad> {
  const share = (total: number, index: number): number => Math.floor((total + index) / processes)
  const loads = Array.from({ length: processes }, (_, index) =>
    startLoad(scope, {
      ...order,
      connections: share(order.connections, index),
      ...(order.operationsMax !== undefined && { operationsMax: share(order.operationsMax, index) }),
      ...(order.operationsPerSecond !== undefined && { operationsPerSecond: order.operationsPerSecond / processes }),
      process: index,
    }),
  )
  await Promise.all(loads.map(load => load.ready))
  onStart()
  for (const load of loads) load.go()
  const done = await Promise.all(loads.map(load => load.done))
  return {
    operations: sum(done.map(load => load.operations)),
    perSecond: sum(done.map(load => load.operations / load.seconds)),
    cpuSeconds: sum(done.map(load => load.cpuSeconds)),
    // Of the process that fared worst: each sees a sample of the same.
    p50: Math.max(...done.map(load => load.p50)),
    p99: Math.max(...done.map(load => load.p99)),
    max: Math.max(...done.map(load => load.max)),
  }
}

function startLoad(scope: Scope, order: LoadOrder): { ready: Promise<unknown>; go(): void; done: Promise<Load> } {
  const child = fork(PROGRAM, [JSON.stringify(order)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  scope.onEnd(() => void child.kill('SIGKILL'))
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`a load process ended with ${code}`)
  })
  failed.catch(() => {})
  const message = async (kind: FromLoad['kind']): Promise<FromLoad> => {
    for (;;) {
      const [received] = (await Promise.race([once(child, 'message'), failed])) as [FromLoad]
      if (received.kind === kind) return received
    }
  }
  const done = async (): Promise<Load> => {
    const received = await message('done')
    if (received.kind !== 'done') throw new Error('a load process told something else')
    return received.load
  }
  const ready = message('ready')
  const finished = ready.then(done)
  // When several fail, the first one is told of.
  finished.catch(() => {})
  return { ready, go: () => void child.send('go'), done: finished }
}
