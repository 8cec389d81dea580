import type { Blobs } from '../../lib/blobs/blobs.js'
import type { JobEvent } from '../../lib/domain/job.js'
import type { LeaseSlots } from '../../lib/server/slots.js'
import type { Writer } from '../../lib/server/writer/writer.js'
import type { Store } from '../../lib/store/store.js'
import type { JobId, LeaseId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Broken } from './daemon.js'

/** What the daemon and the machines would be without one of the parts that keep a promise. */
export const MUTATIONS = {
  /** Whoever comes with a token of the job is taken for its holder. */
  'without the fence': { store: withoutFence, writer: withoutFenceAtResume },
  /** The daemon calls a lease lost at the moment at which it ends on its machine. */
  'without the margin': { slots: withoutMargin },
  /** Bytes are added wherever the log ends just then. */
  'without the offset check': { blobs: withoutOffsets },
  /** Workers free what a power loss of the daemon takes. */
  'with lengths that are not durable': { blobs: withoutSync },
  'without the guard': { hasGuard: false },
  /** Jobs are acknowledged as soon as the database has them, and synced later. */
  'with replies before the commit': { repliesEarly: true },
} as const satisfies Record<string, Broken & { readonly hasGuard?: boolean; readonly repliesEarly?: boolean }>

function withoutFence(store: Store): Store {
  return {
    ...store,
    applyEvent: async (job, event, version) => await store.applyEvent(job, await asHolder(store, job, event), version),
  }
}

async function asHolder(store: Store, job: JobId, event: JobEvent): Promise<JobEvent> {
  if (event.kind !== 'finished' && event.kind !== 'started' && event.kind !== 'resumed') return event
  const lease = await holderOf(store, job)
  return lease === undefined ? event : { ...event, lease }
}

function withoutFenceAtResume(writer: Writer, store: Store): Writer {
  return {
    ...writer,
    resume: async (connection, job, lease) =>
      await writer.resume(connection, job, (await holderOf(store, job)) ?? lease),
  }
}

async function holderOf(store: Store, job: JobId): Promise<LeaseId | undefined> {
  const state = (await store.readJob(job))?.state
  return state?.kind === 'RUNNING' ? state.lease : undefined
}

function withoutMargin(slots: LeaseSlots): LeaseSlots {
  return {
    ...slots,
    expire: (ref, nowMs, olderThanMs) => slots.expire(ref, nowMs, olderThanMs - LIMITS.leaseMarginMs.value),
  }
}

function withoutOffsets(blobs: Blobs): Blobs {
  return {
    ...blobs,
    append: async (key, part, _offset, data) => await blobs.append(key, part, (await blobs.lengths(key))[part], data),
  }
}

function withoutSync(blobs: Blobs): Blobs {
  return {
    ...blobs,
    async append(...args) {
      const { length } = await blobs.append(...args)
      return { length, durableLength: length }
    },
  }
}
