import { type Bench, type Figures, jankins, type Subject } from '../harness/bench.js'
import { cpuOf, startDaemon } from '../harness/daemon.js'
import type { Scope } from '../harness/scope.js'
import { PARAMETER } from '../load/queue.js'
import { runLoad, type TotalLoad } from '../load/run.js'
import { BEANSTALKD, hasBeanstalkd, startBeanstalkd } from '../peers/beanstalkd.js'
import { BULLMQ, connectionTo, hasBullmq, loadBullmq, startRedis } from '../peers/bullmq.js'
import { GEARMAND, hasGearmand, startGearmand } from '../peers/gearmand.js'

const SECONDS = 2
/** Each thread compiles for itself, and a daemon runs for weeks: what it costs before is not what is asked. */
export const WARM_UP = { seconds: 10, operationsMax: 30_000 } as const

/** One job per request, answered when it is durable. */
function queueBench(connections: number, target: string): Bench {
  const processes = Math.min(2, connections)
  return {
    name: `queue-${connections}`,
    doc: `Jobs queued per second, durable, one per request, over ${connections} connection${connections > 1 ? 's' : ''}.`,
    target,
    subjects: [
      jankins(async (scope, { seconds = SECONDS }) => {
        const { pid, port, account } = await startDaemon(scope)
        const order = { kind: 'queue', port, connections, account } as const
        await runLoad(scope, { ...order, ...WARM_UP }, processes)
        return figuresOf(await cpuOf(pid, () => runLoad(scope, { ...order, seconds }, processes)))
      }),
      peer(BEANSTALKD, hasBeanstalkd, startBeanstalkd, 'beanstalk-put', connections, processes),
      peer(GEARMAND, hasGearmand, startGearmand, 'gearman-submit', connections, processes),
      {
        name: BULLMQ,
        isInstalled: hasBullmq,
        measure: (scope, options) => addToBullmq(scope, connections, options.seconds),
      },
    ],
  }
}

export const queue16 = queueBench(16, '1.0 times beanstalkd -f0; beside 2 hogs 0.8 times and p99 below 10 ms')
export const queue1 = queueBench(1, '0.3 times beanstalkd -f0')

/** What a rate costs: of the server, and of the load processes beside it, µs for each operation. */
export function figuresOf({ cpuSeconds, result }: { cpuSeconds: number; result: TotalLoad }): Figures {
  const { operations, perSecond, p50, p99, max } = result
  return {
    rate: { value: perSecond, unit: '/s', better: 'more' },
    cpu: { value: (cpuSeconds / operations) * 1e6, unit: 'µs', better: 'less' },
    load: { value: (result.cpuSeconds / operations) * 1e6, unit: 'µs' },
    p50: { value: p50, unit: 'ms' },
    p99: { value: p99, unit: 'ms' },
    max: { value: max, unit: 'ms' },
  }
}

function peer(
  name: string,
  isInstalled: () => boolean,
  start: (scope: Scope) => Promise<{ port: number; pid: number }>,
  kind: 'beanstalk-put' | 'gearman-submit',
  connections: number,
  processes: number,
): Subject {
  return {
    ...{ name, isInstalled },
    async measure(scope, { seconds = SECONDS }) {
      const { port, pid } = await start(scope)
      return figuresOf(await cpuOf(pid, () => runLoad(scope, { kind, port, connections, seconds }, processes)))
    },
  }
}

/** Its client runs in this process, as it would in that of a user. */
async function addToBullmq(scope: Scope, callers: number, seconds = SECONDS): Promise<Figures> {
  const { port, pid } = await startRedis(scope)
  const queue = new (loadBullmq().Queue)('bench', { connection: connectionTo(port) })
  scope.onEnd(() => queue.close())
  await queue.waitUntilReady()
  let operations = 0
  const startedAtMs = performance.now()
  const add = async (): Promise<void> => {
    for (; performance.now() - startedAtMs < seconds * 1000; operations++) await queue.add('job', PARAMETER)
  }
  const { cpuSeconds } = await cpuOf(pid, async () => await Promise.all(Array.from({ length: callers }, add)))
  return {
    rate: { value: operations / ((performance.now() - startedAtMs) / 1000), unit: '/s', better: 'more' },
    cpu: { value: (cpuSeconds / operations) * 1e6, unit: 'µs', better: 'less' },
  }
}
