import { type Bench, jankins } from '../harness/bench.js'
import { cpuOf, startDaemon } from '../harness/daemon.js'
import { runLoad } from '../load/run.js'
import { BEANSTALKD, hasBeanstalkd, startBeanstalkd } from '../peers/beanstalkd.js'
import { figuresOf } from './queue.js'

const CONNECTIONS = 16
const PROCESSES = 2
const SECONDS = 2
const WARM_UP_JOBS = 10_000
/** Jobs that wait before the measurement: more than can be done in its time, and at most so many are. */
const JOBS_PER_SECOND = 20_000

export const finish16: Bench = {
  name: 'finish-16',
  doc: `Jobs claimed, acknowledged and finished per second over ${CONNECTIONS} worker connections, durable, no process.`,
  target: '1.2 times reserve and delete of beanstalkd -f0',
  subjects: [
    jankins(async (scope, { seconds = SECONDS }) => {
      const { pid, port, account } = await startDaemon(scope)
      const order = { port, connections: CONNECTIONS, account }
      const jobs = seconds * JOBS_PER_SECOND
      await runLoad(scope, { ...order, kind: 'queue', seconds: 60, operationsMax: jobs + WARM_UP_JOBS }, PROCESSES)
      await runLoad(
        scope,
        { ...order, kind: 'finish', seconds: 10, operationsMax: WARM_UP_JOBS - CONNECTIONS },
        PROCESSES,
      )
      const work = { ...order, kind: 'finish', seconds, operationsMax: jobs - CONNECTIONS } as const
      return figuresOf(await cpuOf(pid, () => runLoad(scope, work, PROCESSES)))
    }),
    {
      name: BEANSTALKD,
      isInstalled: hasBeanstalkd,
      async measure(scope, { seconds = SECONDS }) {
        const { port, pid } = await startBeanstalkd(scope)
        const order = { port, connections: CONNECTIONS }
        const jobs = seconds * JOBS_PER_SECOND
        await runLoad(scope, { ...order, kind: 'beanstalk-put', seconds: 60, operationsMax: jobs }, PROCESSES)
        const work = { ...order, kind: 'beanstalk-take', seconds, operationsMax: jobs - CONNECTIONS } as const
        return figuresOf(await cpuOf(pid, () => runLoad(scope, work, PROCESSES)))
      },
    },
  ],
}
