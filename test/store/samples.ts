import { completeDefinition } from '../../lib/domain/action.js'
import type { End, Home, JobEvent } from '../../lib/domain/job.js'
import type { Credential, NewJobs, QueueId, Store } from '../../lib/store/store.js'
import type { JobId, LeaseId, Name } from '../../protocol/ids.js'
import type { Definition } from '../../protocol/views.js'

export const name = (text: string): Name => text as Name
export const lease = (n: number): LeaseId => n.toString(16).padStart(32, '0') as LeaseId
export const jobId = (n: number): JobId => n as JobId

export const credential = (byte = 1): Credential => ({
  salt: Buffer.alloc(16, byte),
  iterations: 4_096,
  storedKey: Buffer.alloc(32, byte + 1),
  serverKey: Buffer.alloc(32, byte + 2),
})

export const USER = name('ada')
export const WORKER_USER = name('builder')

/** An account and the queue of an action `compile`: what most tests begin with. */
export async function openForBusiness(store: Store, definition: Definition = { command: ['make'] }): Promise<QueueId> {
  await store.addUser(USER, 'user', false, credential(), 1_000)
  const { queue } = await store.putAction(name('compile'), completeDefinition(definition), false, 1_000)
  return queue.id
}

let keys = 0
export const newJobs = (queue: QueueId, more: Partial<NewJobs> = {}): NewJobs => ({
  user: USER,
  key: `key-${String(++keys).padStart(8, '0')}`,
  queue,
  count: 1,
  priority: 0,
  parameters: [],
  retries: 0,
  queuedAtMs: 2_000,
  ...more,
})

export async function insertOne(store: Store, queue: QueueId, more: Partial<NewJobs> = {}): Promise<JobId> {
  const { jobs } = await store.insertJobs(newJobs(queue, more))
  return jobs[0] as JobId
}

export const acknowledged = (home: Home, n: number, worker = 'box', attempt = 1): JobEvent => ({
  kind: 'acknowledged',
  lease: lease(n),
  attempt,
  home,
  run: { worker: name(worker), workerUser: WORKER_USER, startedAtMs: 3_000 },
})

export const finished = (n: number, end: Partial<End> = {}): JobEvent => ({
  kind: 'finished',
  lease: lease(n),
  end: { endedAtMs: 4_000, exitCode: 0, logBytes: 12, artifactBytes: 0, ...end },
})
