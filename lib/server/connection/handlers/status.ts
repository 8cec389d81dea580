import type { Params, Result } from '../../../../protocol/methods.js'
import { JANKINS_VERSION } from '../../../../protocol/version.js'
import type { Call } from '../call.js'

export async function showStatus(_: Params<'server.status'>, call: Call): Promise<Result<'server.status'>> {
  const { services } = call
  const counters = await services.writer.counters()
  const threads = services.threadConnections()
  return {
    version: JANKINS_VERSION,
    startedAtMs: services.startedAtMs,
    nowMs: services.clock.nowMs(),
    connections: threads.reduce((sum, thread) => sum + thread.connections, 0),
    threads,
    pending: counters.pending,
    running: counters.running,
    workers: counters.workers,
    claimsParked: counters.claimsParked,
    memoryBytes: process.memoryUsage.rss(),
  }
}
