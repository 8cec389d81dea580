import type { Test } from 'tap'
import { type Log, silentLog } from '../../../lib/base/log.js'
import { completeDefinition } from '../../../lib/domain/action.js'
import type { End } from '../../../lib/domain/job.js'
import { type ReadableMetrics, sharedMetrics } from '../../../lib/server/metrics/metrics.js'
import { createLeaseSlots, createWorkerSlots } from '../../../lib/server/shared-slots.js'
import type { LeaseSlots, SlotRef, WorkerSlots } from '../../../lib/server/slots.js'
import { createWriter } from '../../../lib/server/writer/create.js'
import type { ConnectionId, HeldLease, Writer } from '../../../lib/server/writer/writer.js'
import { openStore } from '../../../lib/store/open.js'
import type { Store } from '../../../lib/store/store.js'
import type { ClaimId, InstanceId, JobId, Name } from '../../../protocol/ids.js'
import type { Definition, Grant } from '../../../protocol/views.js'
import { FakeClock, settle } from '../../helpers/clock.js'

export const hex32 = (n: number): string => n.toString(16).padStart(32, '0')
export const claimId = (n: number): ClaimId => hex32(n) as ClaimId
export const instanceId = (n: number): InstanceId => hex32(n) as InstanceId
export const nameOf = (name: string): Name => name as Name

/** A writer on a real store, in this process and on a clock that stands still. */
export interface World {
  readonly clock: FakeClock
  readonly store: Store
  readonly writer: Writer
  readonly leaseSlots: LeaseSlots
  readonly workerSlots: WorkerSlots
  readonly metrics: ReadableMetrics
  addAction(action: string, definition?: LooseDefinition): Promise<void>
  /** Queues jobs of an action under a fresh key. */
  queue(action: string, options?: { count?: number; priority?: number }): Promise<readonly JobId[]>
  attach(connection: ConnectionId, worker: string, options?: AttachOptions): Promise<SlotRef>
  /** A claim under a fresh id, at once by default. */
  claim(connection: ConnectionId, waitMs?: number): Promise<Grant | undefined>
  /** Claims and acknowledges; fails when there is no job. */
  run(connection: ConnectionId): Promise<{ grant: Grant; held: HeldLease }>
  finish(grant: Grant, end?: Partial<End>): Promise<string>
  stateOf(job: JobId): Promise<string | undefined>
  /** Moves time on while these leases and workers beat every half second. */
  beatFor(ms: number, leases: readonly SlotRef[], workers?: readonly SlotRef[]): Promise<void>
  /** The daemon dies and starts again on the same database; what was in memory is gone. */
  restart(): Promise<World>
}

/** A definition with labels as plain texts. */
export type LooseDefinition = Omit<Definition, 'labels'> & { readonly labels?: readonly string[] }

export interface AttachOptions {
  readonly instance?: number
  readonly labels?: readonly string[]
  readonly user?: string
}

export interface WorldOptions {
  readonly store?: (store: Store) => Store
  readonly leaseSlots?: LeaseSlots
  readonly log?: Log
}

export async function startWorld(t: Test, options: WorldOptions = {}): Promise<World> {
  return world(t, t.testdir(), new FakeClock(), options)
}

async function world(t: Test, dir: string, clock: FakeClock, options: WorldOptions): Promise<World> {
  const opened = openStore(dir, silentLog)
  const key = new Uint8Array(32)
  const credential = { salt: key, iterations: 4_096, storedKey: key, serverKey: key }
  const isNew = (await opened.listUsers(undefined, 1)).users.length === 0
  if (isNew) for (const user of ['ann', 'bot']) await opened.addUser(nameOf(user), 'admin', true, credential, 1)
  const store = options.store?.(opened) ?? opened
  const leaseSlots = options.leaseSlots ?? createLeaseSlots()
  const workerSlots = createWorkerSlots()
  const endParts = async (): Promise<number> => 7
  const metrics = sharedMetrics()
  const parts = {
    store,
    leaseSlots,
    workerSlots,
    metrics,
    clock,
    log: options.log ?? silentLog,
    daemon: 'test',
    endParts,
  }
  const writer = await createWriter(parts)
  let isOpen = true
  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    writer.stop()
    opened.close()
  }
  t.teardown(close)
  return {
    ...{ clock, store, writer, leaseSlots, workerSlots, metrics },
    ...people(writer),
    ...workersOf(writer),
    stateOf: async job => (await store.findJob(job))?.state,
    async beatFor(ms, leases, workers = []) {
      for (let gone = 0; gone < ms; gone += 500) {
        await clock.advance(Math.min(500, ms - gone))
        for (const lease of leases) leaseSlots.beat(lease, clock.monotonicMs())
        for (const worker of workers) workerSlots.beat(worker, clock.monotonicMs(), 1, 0)
      }
    },
    async restart() {
      close()
      await settle()
      return world(t, dir, clock, options)
    },
  }
}

let fresh = 0

function people(writer: Writer): Pick<World, 'addAction' | 'queue'> {
  return {
    async addAction(action, { labels = [], ...rest } = { command: ['true'] }) {
      const definition = completeDefinition({ ...rest, labels: labels.map(nameOf) })
      await writer.addAction(nameOf(action), definition, true)
    },
    queue: (action, { count = 1, priority } = {}) =>
      writer.queueJobs(nameOf(action), {
        ...{ user: nameOf('ann'), role: 'admin', key: `key-${++fresh}-0000`, count, parameters: [] },
        ...(priority !== undefined && { priority }),
      }),
  }
}

function workersOf(writer: Writer): Pick<World, 'attach' | 'claim' | 'run' | 'finish'> {
  const claim: World['claim'] = (connection, waitMs = 0) => writer.claim(connection, claimId(++fresh), waitMs)
  return {
    attach: (connection, worker, { instance = connection, labels = [], user = 'bot' } = {}) =>
      writer.attach(connection, {
        ...{ worker: nameOf(worker), user: nameOf(user), instance: instanceId(instance) },
        ...{ labels, slots: 4, version: '1' },
      }),
    claim,
    async run(connection) {
      const grant = await claim(connection)
      if (!grant) throw new Error('there was no job')
      return { grant, held: await writer.acknowledge(connection, grant.job, grant.lease) }
    },
    async finish({ job, lease }, end = {}) {
      const whole: End = { endedAtMs: 1, exitCode: 0, logBytes: 0, artifactBytes: 0, ...end }
      return (await writer.finish(job, lease, whole)).state
    },
  }
}
