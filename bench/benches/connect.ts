import { type Bench, jankins } from '../harness/bench.js'
import { cpuOf, startDaemon } from '../harness/daemon.js'
import { runLoad } from '../load/run.js'
import { figuresOf } from './queue.js'

const SECONDS = 2

export const connect: Bench = {
  name: 'connect',
  doc: 'One-shot connections per second: connect, authenticate, one request, close; 16 at once.',
  target: '2,500/s, clients not counted',
  subjects: [
    jankins(async (scope, { seconds = SECONDS }) => {
      const { pid, port, account } = await startDaemon(scope)
      const order = { kind: 'connect', port, connections: 16, account } as const
      await runLoad(scope, { ...order, seconds: 2 }, 2)
      const figures = figuresOf(await cpuOf(pid, () => runLoad(scope, { ...order, seconds }, 2)))
      // Clients cost more than the daemon here: what one core of it could take if they ran elsewhere.
      return { ...figures, 'rate per core of the daemon': { value: 1e6 / figures.cpu!.value, unit: '/s' } }
    }),
  ],
}
