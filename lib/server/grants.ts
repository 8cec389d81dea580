import { JankinsError } from '../../protocol/errors.js'
import { type JobId, type LeaseId, parseLeaseId } from '../../protocol/ids.js'
import { check } from '../../protocol/schema.js'
import { type Grant, grant as grantSchema } from '../../protocol/views.js'
import type { JobOrder, StoreReader } from '../store/store.js'

export interface ReadGrant {
  readonly order: JobOrder
  readonly grant: Grant
}

/**
 * What a worker is told of a job, under `lease`.
 * @throws JankinsError E_JOB_DAMAGED (detail.reason, for people)
 */
export async function readGrant(store: Pick<StoreReader, 'readOrder'>, job: JobId, lease: LeaseId): Promise<ReadGrant> {
  const order = await store.readOrder(job)
  if (!order) throw damaged(job, 'its row, its account or its queue is missing')
  try {
    // Beyond the schema it would cost the session of each worker that it is offered to.
    return { order, grant: check(grantSchema, grantOf(order, lease)) }
  } catch (cause) {
    throw damaged(job, reasonOf(cause), cause)
  }
}

/** The order alone, for who gives it to no worker: whatever a grant would be refused for is refused here too. */
export const readSoundOrder = async (store: Pick<StoreReader, 'readOrder'>, job: JobId): Promise<JobOrder> =>
  (await readGrant(store, job, NO_LEASE)).order

const NO_LEASE = parseLeaseId('0'.repeat(32)) as LeaseId

function grantOf(order: JobOrder, lease: LeaseId): Grant {
  const { definition } = order
  return {
    job: order.job,
    attempt: order.attempt,
    lease,
    ...(order.action !== undefined && { action: order.action }),
    ...(order.bundle !== undefined && { bundle: order.bundle }),
    // What adds fields to a copy takes V8 4 us, a copy behind them 0.2.
    ...definition,
    environment: [...definition.environment, ...order.parameters],
    priority: order.priority,
  }
}

const damaged = (job: JobId, reason: string, cause?: unknown): JankinsError =>
  new JankinsError('E_JOB_DAMAGED', { job, reason }, { cause })

function reasonOf(error: unknown): string {
  const isSchema = error instanceof JankinsError && error.code === 'E_BAD_REQUEST'
  return isSchema ? `its ${error.detail.field} must be ${error.detail.expected}` : 'its definition is damaged'
}
