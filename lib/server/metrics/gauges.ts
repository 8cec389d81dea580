import { JANKINS_VERSION } from '../../../protocol/version.js'
import type { Counters } from '../writer/writer.js'
import type { Gauge } from './text.js'

/** What is asked at the moment when somebody wants to know. */
export interface Moment extends Counters {
  readonly connections: number
  /** ms since the epoch. */
  readonly startedAtMs: number
}

/** The names of process_* are those that Prometheus' own libraries use. */
export const gaugesOf = (moment: Moment): readonly Gauge[] => [
  { name: 'jankins_build_info', help: 'Always 1.', samples: [[{ version: JANKINS_VERSION }, 1]] },
  {
    name: 'jankins_jobs',
    help: 'Jobs that wait or run.',
    samples: [
      [{ state: 'PENDING' }, moment.pending],
      [{ state: 'RUNNING' }, moment.running],
    ],
  },
  {
    name: 'jankins_workers',
    help: 'Workers that are attached or were lately: suspect after 3 missed heartbeats, lost once their leases are.',
    samples: Object.entries(moment.liveness).map(([liveness, count]) => [{ liveness }, count]),
  },
  {
    name: 'jankins_claims_parked',
    help: 'Requests of workers that wait for a job.',
    samples: [[{}, moment.claimsParked]],
  },
  { name: 'jankins_connections', help: 'Connections that are open.', samples: [[{}, moment.connections]] },
  ...processGauges(moment.startedAtMs),
]

function processGauges(startedAtMs: number): readonly Gauge[] {
  const { user, system } = process.cpuUsage()
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'Processor time of all threads of the daemon.',
      type: 'counter',
      samples: [[{}, (user + system) / 1e6]],
    },
    {
      name: 'process_resident_memory_bytes',
      help: 'Memory of the daemon.',
      samples: [[{}, process.memoryUsage.rss()]],
    },
    {
      name: 'process_start_time_seconds',
      help: 'When the daemon started, since the epoch.',
      samples: [[{}, startedAtMs / 1_000]],
    },
  ]
}
