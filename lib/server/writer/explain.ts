import type { JobId, Name } from '../../../protocol/ids.js'
import type { WaitReason } from '../../../protocol/views.js'
import type { Queue } from '../../store/store.js'
import type { Core } from './core.js'
import type { WorkerEntry } from './workers.js'

/** Workers that are told of by name. */
const WORKERS_TOLD_MAX = 20
/** Workers that are looked at in one go: between two of them others have their turn. */
const PAGE_WORKERS = 1_000

/** See Writer.explainWait. Reads memory alone but for the job's own row. */
export async function explainWait(core: Core, job: JobId): Promise<readonly WaitReason[]> {
  const row = await core.store.readJob(job)
  if (row?.state.kind !== 'PENDING') return []
  const offer = core.offers.ofJob(job)
  if (offer) return [{ kind: 'offered', worker: offer.claim.worker.worker }]
  const queue = await queueOf(core, job)
  if (queue === undefined || core.aside.has(job)) return [{ kind: 'set-aside' }]
  const facts = core.dispatcher.factsOf(queue, job)
  const { active, runningMax } = facts.queue
  const reasons: WaitReason[] = []
  if (!active) reasons.push({ kind: 'action-disabled' })
  if (runningMax !== undefined && facts.running >= runningMax)
    reasons.push({ kind: 'action-full', count: facts.running, max: runningMax })
  if (facts.before === undefined) reasons.push({ kind: 'behind' })
  else if (facts.before > 0) reasons.push({ kind: 'behind', count: facts.before })
  return [...reasons, ...(await explainWorkers(core, facts.queue))]
}

/** Undefined when the job's rows are damaged. */
async function queueOf(core: Core, job: JobId): Promise<number | undefined> {
  try {
    return (await core.store.readOrder(job))?.queue
  } catch {
    return undefined
  }
}

async function explainWorkers(core: Core, { labels, hasSecrets }: Queue): Promise<readonly WaitReason[]> {
  const told: WaitReason[] = []
  const lacking = new Set(labels)
  let attached = 0
  let fitting = 0
  let after: Name | undefined
  do {
    const page = core.workers.page(after, PAGE_WORKERS)
    for (const entry of page) {
      const isAttached = core.workers.isAttached(entry)
      if (isAttached) {
        attached++
        for (const label of entry.labels) lacking.delete(label)
      }
      if (!labels.every(label => entry.labels.includes(label))) continue
      if (isAttached) fitting++
      if (told.length < WORKERS_TOLD_MAX) told.push(await explainWorker(core, entry, hasSecrets))
    }
    after = page.length === PAGE_WORKERS ? page.at(-1)?.worker : undefined
    if (after !== undefined) await new Promise(resolve => setImmediate(resolve))
  } while (after !== undefined)
  if (attached === 0) return [{ kind: 'no-worker' }, ...told]
  if (lacking.size > 0) return [{ kind: 'no-label', labels: [...lacking] as Name[] }, ...told]
  return fitting === 0 ? [{ kind: 'labels-apart', labels: labels as readonly Name[] }, ...told] : told
}

async function explainWorker(core: Core, entry: WorkerEntry, hasSecrets = false): Promise<WaitReason> {
  const { worker, user, slots } = entry
  if (core.drained.has(worker)) return { kind: 'drained', worker }
  if (!core.workers.isAttached(entry)) {
    const account = await core.store.findAccount(user)
    return { kind: account && account.state !== 'active' ? 'disabled' : 'away', worker }
  }
  if (core.workers.isSuspect(entry)) return { kind: 'silent', worker }
  if (hasSecrets && !entry.isPrivate) return { kind: 'not-private', worker }
  if (core.claims.openOf(entry.connection).length > 0) return { kind: 'asking', worker }
  const count = core.leases.jobsOf(worker).length + core.offers.ofWorker(worker).length
  return count >= slots ? { kind: 'busy', worker, count, max: slots } : { kind: 'not-asking', worker }
}
