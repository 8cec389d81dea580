import { type Bench, jankins } from '../harness/bench.js'
import { startDaemon } from '../harness/daemon.js'
import { only, probe } from '../harness/probed.js'
import { runLoad } from '../load/run.js'

const SECONDS = 10

/** What holds others up while much is queued: each thread of the daemon tells of itself. */
export const stalls: Bench = {
  name: 'stalls',
  doc: 'Commit times, and event-loop delays of the threads, while 16 connections queue jobs; --seconds 60 for the record.',
  target: 'delay of the main thread below 10 ms at p99; no commit held up by a checkpoint',
  subjects: [
    jankins(async (scope, { seconds = SECONDS }) => {
      const probing = probe(scope)
      const daemon = await startDaemon(scope, probing.options)
      const order = { kind: 'queue', port: daemon.port, connections: 16, account: daemon.account } as const
      await runLoad(scope, { ...order, seconds: 10, operationsMax: 20_000 }, 2)
      const load = await runLoad(scope, { ...order, seconds }, 2, () => probing.forget(daemon))
      const probed = await probing.end(daemon)
      const [main, writer] = [only(probed, 'main'), only(probed, 'writer')]
      const connections = probed.filter(({ thread, delay }) => thread === 'connection' && delay.count > 0)
      return {
        'commit p99.9': { value: writer.commits.p999, unit: 'ms', better: 'less' },
        'commit p50': { value: writer.commits.p50, unit: 'ms' },
        'commit max': { value: writer.commits.max, unit: 'ms' },
        'jobs per commit': { value: load.operations / writer.commits.count, unit: '' },
        'checkpoint max': { value: writer.checkpoints.max, unit: 'ms' },
        'delay of main p99': { value: main.delay.p99, unit: 'ms' },
        'delay of connection threads p99': {
          value: Math.max(...connections.map(({ delay }) => delay.p99)),
          unit: 'ms',
        },
        'main busy': { value: main.busy * 100, unit: '%' },
        'writer busy': { value: writer.busy * 100, unit: '%' },
        'busiest connection thread': { value: Math.max(...connections.map(({ busy }) => busy)) * 100, unit: '%' },
        rate: { value: load.perSecond, unit: '/s' },
      }
    }),
  ],
}
