import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Client } from '../../../lib/client/connection.js'
import { type ClaimId, type InstanceId, type JobId, type Name, parseName } from '../../../protocol/ids.js'
import type { Params } from '../../../protocol/methods.js'
import type { Definition, Grant } from '../../../protocol/views.js'
import type { KeyLogin, TestDaemon } from '../../helpers/daemon.js'

export const name = (text: string): Name => {
  const parsed = parseName(text)
  if (parsed === undefined) throw new Error(`${text} is no name`)
  return parsed
}
export const hex32 = (): string => randomBytes(16).toString('hex')
export const newClaim = (): ClaimId => hex32() as ClaimId
export const newKey = (): string => hex32()
/** An id that no job has. */
export const NO_JOB = 999_999 as JobId

export const attachParams = (worker: string): Params<'worker.attach'> => ({
  ...{ worker: name(worker), instance: hex32() as InstanceId, labels: [], slots: 4, version: '0.1.0' },
})

/** What job.finish says of a stream whose bytes are all stored, or ride along as the tail. */
export const streamOf = (text: string, tailBytes = 0): Params<'job.finish'>['stdout'] => {
  const bytes = Buffer.from(text)
  const tail = tailBytes > 0 ? { tail: bytes.subarray(bytes.length - tailBytes) } : {}
  return { bytes: bytes.length, crc32: crc32(bytes), ...tail }
}

export const EMPTY = streamOf('')

export interface Running {
  readonly admin: Client
  readonly worker: Client
  /** For another connection of that worker. */
  readonly login: KeyLogin
  readonly grant: Grant
  readonly job: JobId
  /** What every call about this job carries. */
  readonly held: Pick<Params<'job.append'>, 'job' | 'lease'>
}

/** An action, a job of it, and a worker that has taken the job. */
export async function runJob(
  daemon: TestDaemon,
  definition: Definition = {},
  order: Partial<Params<'job.queue'>> = {},
): Promise<Running> {
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: name('build'), command: ['make'], ...definition })
  const { jobs } = await admin.call('job.queue', { action: name('build'), key: newKey(), ...order })
  const login = await daemon.login('worker')
  const worker = await daemon.client(login)
  await worker.call('worker.attach', attachParams('box'))
  const grant = await takeJob(worker)
  return { admin, worker, login, grant, job: jobs[0] as JobId, held: { job: grant.job, lease: grant.lease } }
}

/** Claims and acknowledges on an attached connection. */
export async function takeJob(worker: Client): Promise<Grant> {
  const { grant } = await worker.call('job.claim', { claim: newClaim(), waitMs: 0 })
  if (!grant) throw new Error('there was no job')
  await worker.call('job.acknowledge', { job: grant.job, lease: grant.lease })
  return grant
}
