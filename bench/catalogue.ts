import { artifactRead, artifactWrite, logRead, logWrite } from './benches/bulk.js'
import { cliQueue } from './benches/command-line.js'
import { connect } from './benches/connect.js'
import { finish16 } from './benches/finish.js'
import { grantLatency } from './benches/grant-latency.js'
import { history } from './benches/history.js'
import { startLatency, true500 } from './benches/jobs.js'
import { queue1, queue16 } from './benches/queue.js'
import { retention } from './benches/retention.js'
import { stalls } from './benches/stalls.js'
import { heartbeats, heartbeatsJobs, idle } from './benches/workers.js'
import type { Bench } from './harness/bench.js'

/** Every bench, in the order in which they run and are shown. */
export const BENCHES: readonly Bench[] = [
  ...[queue16, queue1, finish16, grantLatency, stalls],
  ...[connect, heartbeats, heartbeatsJobs, idle],
  ...[startLatency, true500, cliQueue],
  ...[logWrite, logRead, artifactWrite, artifactRead],
  ...[history, retention],
]
