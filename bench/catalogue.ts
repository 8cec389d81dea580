import { connect } from './benches/connect.js'
import { finish16 } from './benches/finish.js'
import { grantLatency } from './benches/grant-latency.js'
import { queue1, queue16 } from './benches/queue.js'
import { stalls } from './benches/stalls.js'
import type { Bench } from './harness/bench.js'

/** Every bench, in the order in which they run and are shown. */
export const BENCHES: readonly Bench[] = [queue16, queue1, finish16, grantLatency, connect, stalls]
