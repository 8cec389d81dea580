import fc from 'fast-check'
import t from 'tap'
import {
  type End,
  type Home,
  isFinished,
  type Job,
  type JobEvent,
  type JobState,
  nextJob,
} from '../../lib/domain/job.js'
import type { LeaseId, Name } from '../../protocol/ids.js'

const MINE = 'a'.repeat(32) as LeaseId
const OTHER = 'b'.repeat(32) as LeaseId
const HOME: Home = { daemon: 'd', epoch: 1 }
const NEXT_HOME: Home = { daemon: 'd', epoch: 2 }
const RUN = { worker: 'w' as Name, workerUser: 'wu' as Name, startedAtMs: 10 }
const END: End = { endedAtMs: 20, exitCode: 0, logBytes: 5, artifactBytes: 0 }
const LOST: End = { endedAtMs: 30, reason: 'worker-lost', logBytes: 7, artifactBytes: 0 }

const job = (state: JobState, retriesLeft = 0, attempt = 1): Job => ({ attempt, retriesLeft, state })
const pending = job({ kind: 'PENDING' })
const running = job({ kind: 'RUNNING', lease: MINE, home: HOME, run: RUN })
const stopping = job({ kind: 'RUNNING', lease: MINE, home: HOME, run: RUN, stopRequestedAtMs: 15 })
const complete = job({ kind: 'COMPLETE', lease: MINE, run: RUN, end: END })
const lost = job({ kind: 'TIMEOUT', lease: MINE, run: RUN, end: LOST })

const acknowledged = (lease: LeaseId, attempt = 1): JobEvent => ({
  kind: 'acknowledged',
  lease,
  attempt,
  home: HOME,
  run: RUN,
})
const finished = (lease: LeaseId, end: Partial<End> = {}): JobEvent => ({
  kind: 'finished',
  lease,
  end: { ...END, ...end },
})
const expired = (home = HOME, attempt = 1): JobEvent => ({ kind: 'expired', home, attempt, atMs: 30, logBytes: 7 })
const stop: JobEvent = { kind: 'stop-requested', atMs: 15 }

const TRANSITIONS: [string, Job, JobEvent, JobState | 'same' | 'lost', Partial<Job>?][] = [
  ['a grant that is taken runs', pending, acknowledged(MINE), running.state],
  ['a grant taken twice is taken once', running, acknowledged(MINE), 'same'],
  ['a grant of another worker is too late', running, acknowledged(OTHER), 'lost'],
  ['a grant of an earlier attempt is too late', job({ kind: 'PENDING' }, 0, 2), acknowledged(MINE, 1), 'lost'],
  ['a grant of a finished job is too late', complete, acknowledged(MINE), 'lost'],
  [
    'a pid is noted',
    running,
    { kind: 'started', lease: MINE, pid: 7 },
    { ...running.state, run: { ...RUN, pid: 7 } } as JobState,
  ],
  [
    'a pid is noted once',
    job({ ...running.state, run: { ...RUN, pid: 7 } } as JobState),
    { kind: 'started', lease: MINE, pid: 7 },
    'same',
  ],
  [
    'a pid that comes with the end is noted',
    running,
    { kind: 'finished', lease: MINE, end: END, pid: 7 },
    { kind: 'COMPLETE', lease: MINE, run: { ...RUN, pid: 7 }, end: END },
  ],
  ['a pid of another worker is refused', running, { kind: 'started', lease: OTHER, pid: 7 }, 'lost'],
  ['a pid after the end is refused', complete, { kind: 'started', lease: MINE, pid: 7 }, 'lost'],
  [
    'a resume moves the home',
    running,
    { kind: 'resumed', lease: MINE, home: NEXT_HOME },
    { ...running.state, home: NEXT_HOME } as JobState,
  ],
  ['a resume at home changes nothing', running, { kind: 'resumed', lease: MINE, home: { ...HOME } }, 'same'],
  ['a resume by another worker is refused', running, { kind: 'resumed', lease: OTHER, home: NEXT_HOME }, 'lost'],
  ['a resume after the end is refused', lost, { kind: 'resumed', lease: MINE, home: NEXT_HOME }, 'lost'],
  [
    'a job that waits is cancelled at once',
    pending,
    stop,
    {
      kind: 'CANCELLED',
      stopRequestedAtMs: 15,
      end: { endedAtMs: 15, reason: 'stopped', logBytes: 0, artifactBytes: 0 },
    },
  ],
  ['a job that runs is asked to stop', running, stop, stopping.state],
  ['a second stop changes nothing', stopping, { kind: 'stop-requested', atMs: 99 }, 'same'],
  ['a stop of a finished job changes nothing', complete, stop, 'same'],
  ['an exit completes', running, finished(MINE), complete.state],
  [
    'an exit that is not zero completes too',
    running,
    finished(MINE, { exitCode: 3 }),
    { ...complete.state, end: { ...END, exitCode: 3 } } as JobState,
  ],
  ['a finish told twice counts once', complete, finished(MINE), 'same'],
  ['a finish of another worker is refused', running, finished(OTHER), 'lost'],
  ['a finish of another worker after the end is refused', complete, finished(OTHER), 'lost'],
  ['a finish of a job that nobody runs is refused', pending, finished(MINE), 'lost'],
  ['a finish after the lease was lost is refused', lost, finished(MINE), 'lost'],
  [
    'a time limit ends as TIMEOUT',
    running,
    finished(MINE, { reason: 'time-limit' }),
    { kind: 'TIMEOUT', lease: MINE, run: RUN, end: { ...END, reason: 'time-limit' } },
  ],
  [
    'a stop ends as CANCELLED',
    stopping,
    finished(MINE, { reason: 'stopped' }),
    { kind: 'CANCELLED', lease: MINE, run: RUN, stopRequestedAtMs: 15, end: { ...END, reason: 'stopped' } },
  ],
  [
    'a log limit ends as CANCELLED',
    running,
    finished(MINE, { reason: 'log-limit' }),
    { kind: 'CANCELLED', lease: MINE, run: RUN, end: { ...END, reason: 'log-limit' } },
  ],
  [
    'a shell that vanished completes with its reason',
    running,
    finished(MINE, { reason: 'killed' }),
    { kind: 'COMPLETE', lease: MINE, run: RUN, end: { ...END, reason: 'killed' } },
  ],
  [
    'a stop that came too late leaves the exit',
    stopping,
    finished(MINE),
    { kind: 'COMPLETE', lease: MINE, run: RUN, stopRequestedAtMs: 15, end: END },
  ],
  [
    'a time limit starts over while retries are left',
    job(running.state, 2),
    finished(MINE, { reason: 'time-limit' }),
    { kind: 'PENDING', lastLease: MINE },
    { attempt: 2, retriesLeft: 1 },
  ],
  [
    'the finish that started over may be told twice',
    job({ kind: 'PENDING', lastLease: MINE }, 1, 2),
    finished(MINE, { reason: 'time-limit' }),
    'same',
  ],
  [
    'a time limit of a job that is to stop does not start over',
    job(stopping.state, 2),
    finished(MINE, { reason: 'time-limit' }),
    { kind: 'TIMEOUT', lease: MINE, run: RUN, stopRequestedAtMs: 15, end: { ...END, reason: 'time-limit' } },
    { retriesLeft: 2 },
  ],
  ['an exit does not start over', job(running.state, 2), finished(MINE), complete.state, { retriesLeft: 2 }],
  ['a lease that passed ends as TIMEOUT', running, expired(), lost.state],
  [
    'a lease that passed while stopping ends as CANCELLED',
    stopping,
    expired(),
    { kind: 'CANCELLED', lease: MINE, run: RUN, stopRequestedAtMs: 15, end: LOST },
  ],
  [
    'a lease that passed starts over while retries are left',
    job(running.state, 1),
    expired(),
    { kind: 'PENDING' },
    { attempt: 2, retriesLeft: 0 },
  ],
  ['the reaper of an earlier start has no say', running, expired({ daemon: 'd', epoch: 0 }), 'lost'],
  ['the reaper of another daemon has no say', running, expired({ daemon: 'e', epoch: 1 }), 'lost'],
  ['the reaper has no say over another attempt', running, expired(HOME, 2), 'lost'],
  ['the reaper has no say over a job that waits', pending, expired(), 'lost'],
  ['the reaper has no say over a finished job', complete, expired(), 'lost'],
]

for (const [sentence, before, event, expected, more] of TRANSITIONS)
  t.test(sentence, async t => {
    if (expected === 'lost') t.throws(() => nextJob(before, event), { code: 'E_LEASE_LOST' })
    else if (expected === 'same') t.equal(nextJob(before, event), before)
    else t.strictSame(nextJob(before, event), { ...before, ...more, state: expected })
  })

const leases = fc.constantFrom(MINE, OTHER)
const homes = fc.constantFrom(HOME, NEXT_HOME)
const reasons = fc.constantFrom(undefined, 'time-limit', 'stopped', 'log-limit', 'killed', 'not-started')
const events: fc.Arbitrary<JobEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('acknowledged'),
    lease: leases,
    attempt: fc.integer({ min: 1, max: 3 }),
    home: homes,
    run: fc.constant(RUN),
  }),
  fc.record({ kind: fc.constant('started'), lease: leases, pid: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('resumed'), lease: leases, home: homes }),
  fc.record({ kind: fc.constant('stop-requested'), atMs: fc.nat(9) }),
  fc.record({
    kind: fc.constant('expired'),
    home: homes,
    attempt: fc.integer({ min: 1, max: 3 }),
    atMs: fc.nat(9),
    logBytes: fc.nat(9),
  }),
  fc.tuple(leases, reasons).map(([lease, reason]) => finished(lease, reason === undefined ? {} : { reason })),
) as fc.Arbitrary<JobEvent>

function attempt(job: Job, event: JobEvent): Job {
  try {
    return nextJob(job, event)
  } catch {
    return job
  }
}

t.test('whatever is told in whatever order, a finished job never changes', async () => {
  fc.assert(
    fc.property(fc.nat(2), fc.array(events, { maxLength: 30 }), (retries, told) => {
      let job: Job = { attempt: 1, retriesLeft: retries, state: { kind: 'PENDING' } }
      for (const event of told) {
        const next = attempt(job, event)
        if (isFinished(job.state.kind) && next !== job) return false
        job = next
      }
      return true
    }),
    { seed: 5265, numRuns: 2_000 },
  )
})

t.test('whatever is told in whatever order, one attempt has one holder, and attempts only count up', async () => {
  fc.assert(
    fc.property(fc.nat(2), fc.array(events, { maxLength: 30 }), (retries, told) => {
      const holders = new Map<number, LeaseId>()
      let job: Job = { attempt: 1, retriesLeft: retries, state: { kind: 'PENDING' } }
      for (const event of told) {
        const next = attempt(job, event)
        if (next.attempt < job.attempt || next.attempt + next.retriesLeft !== 1 + retries) return false
        job = next
        if (job.state.kind !== 'RUNNING') continue
        if ((holders.get(job.attempt) ?? job.state.lease) !== job.state.lease) return false
        holders.set(job.attempt, job.state.lease)
      }
      return true
    }),
    { seed: 5265, numRuns: 2_000 },
  )
})

t.test('a stop for a reason of its own keeps it until the end', async t => {
  const stopped = nextJob(running, { kind: 'stop-requested', atMs: 15, reason: 'worker-disabled' })
  t.match(stopped.state, { stopRequestedAtMs: 15, stopReason: 'worker-disabled' })
})
