import type { LeaseId } from '../../../protocol/ids.js'
import type { Grant } from '../../../protocol/views.js'
import type { JobOrder } from '../../store/store.js'

/** What a worker needs to run the attempt of `order` under `lease`. */
export function grantOf(order: JobOrder, lease: LeaseId): Grant {
  const { definition } = order
  return {
    ...definition,
    job: order.job,
    attempt: order.attempt,
    lease,
    ...(order.action !== undefined && { action: order.action }),
    environment: [...definition.environment, ...order.parameters],
    priority: order.priority,
    ...(order.bundle !== undefined && { bundle: order.bundle }),
  }
}
