import { JankinsError } from '../../../protocol/errors.js'
import type { JobId } from '../../../protocol/ids.js'
import type { Head, Queue, QueueId } from '../../store/store.js'
import { compareHeads, type HeadRead } from './heads.js'
import { type QueueFacts, QueueState } from './queue-state.js'
import { type Seeker, WorkerClass } from './worker-class.js'

/** What the dispatcher needs of the world. It calls nothing else, and `offer` must not call it back. */
export interface Effects<S extends Seeker> {
  /** False: no lease can be kept for it now, nothing was offered. */
  offer(seeker: S, queue: QueueId, head: Head): boolean
  /** Whether a parked seeker is still there to be given a job. */
  mayTake(seeker: S): boolean
  readHeads(queue: QueueId, after: Head | undefined, limit: number): Promise<readonly Head[]>
  readFailed(queue: QueueId, error: unknown): void
}

/** `full`: there is a job, and no lease can be kept for it. */
export type Found = 'offered' | 'none' | 'full'

/** Rows of each queue that are kept in memory, about. */
const WINDOW_ROWS = 256
const CLASSES_MAX = 4_096
/** A class that nobody asked for in so many passes is forgotten: each enqueue looks at each class that fits. */
const IDLE_PASSES_MAX = 120

/**
 * Which worker gets which job. A worker fits a queue when it has all its labels, and a connection of its own where the
 * queue has secrets; of all fitting queues that are active
 * and below their limit it gets the head with the highest priority, then the lowest id. Parked seekers are served in
 * the order of their turns. An enqueue costs by the classes of workers that could take it, a claim by the queues that
 * are ready for its class; nothing grows with the number of jobs that wait.
 */
export class Dispatcher<S extends Seeker> {
  readonly #effects: Effects<S>
  readonly #windowRows: number
  readonly #queues = new Map<QueueId, QueueState<S>>()
  readonly #classes = new Map<string, WorkerClass<S>>()
  /** PENDING jobs that no window may take in: they are offered, or set aside. */
  readonly #out = new Set<JobId>()
  readonly #reads = new Set<Promise<void>>()
  readonly #unread = new Set<QueueState<S>>()
  #parkedCount = 0
  #isStarved: boolean = false
  #pass = 0

  constructor(effects: Effects<S>, windowRows = WINDOW_ROWS) {
    this.#effects = effects
    this.#windowRows = windowRows
  }

  get parkedCount(): number {
    return this.#parkedCount
  }

  /** Resolves when the rows that are being read just now are there; undefined when none are. */
  readsDone(): Promise<unknown> | undefined {
    return this.#reads.size === 0 ? undefined : Promise.all(this.#reads)
  }

  /** A queue that is new or was changed. `running` counts only for a new one. */
  putQueue(queue: Queue, running = 0): void {
    let state = this.#queues.get(queue.id)
    if (!state) {
      state = new QueueState<S>(queue, running, this.#windowRows)
      this.#queues.set(queue.id, state)
    } else {
      for (const workerClass of [...state.classes]) state.leave(workerClass)
      state.queue = queue
    }
    for (const workerClass of this.#classes.values()) state.join(workerClass)
    this.#changed(state)
    this.#match(state)
  }

  hasQueue(queue: QueueId): boolean {
    return this.#queues.has(queue)
  }

  factsOf(queue: QueueId, job?: JobId): QueueFacts {
    return this.#stateOf(queue).facts(job)
  }

  /** Jobs of this queue are PENDING: new ones, or ones that come back for another attempt. */
  added(queue: QueueId, heads: readonly Head[]): void {
    const state = this.#stateOf(queue)
    for (const head of heads) state.window.insert(head)
    this.#changed(state)
    this.#match(state)
  }

  /** Gives the best job to this seeker, which is not parked. @throws JankinsError E_TOO_MANY: too many sets of labels */
  seek(seeker: S): Found {
    return this.#serve(this.#classOf(seeker), seeker)
  }

  park(seeker: S): void {
    this.#classOf(seeker).park(seeker)
    this.#parkedCount++
  }

  /** False when it was not parked. */
  unpark(seeker: S): boolean {
    const wasParked = this.#classes.get(seeker.classKey)?.unpark(seeker) === true
    if (wasParked) this.#parkedCount--
    return wasParked
  }

  /** An offered job runs. */
  taken(queue: QueueId, job: JobId): void {
    const state = this.#unoffer(queue, job)
    state.running++
    state.window.remove(job)
  }

  /** An offered job waits again. */
  returned(queue: QueueId, head: Head): void {
    const state = this.#unoffer(queue, head.job)
    state.window.insert(head)
    this.#changed(state)
    this.#match(state)
  }

  /** An offered job is not PENDING any more. */
  withdrawn(queue: QueueId, job: JobId): void {
    const state = this.#unoffer(queue, job)
    state.window.remove(job)
    this.#changed(state)
    this.#match(state)
  }

  /** An offered job stays PENDING and is not offered again before `restored` or `gone`. */
  setAside(queue: QueueId, job: JobId): void {
    const state = this.#unoffer(queue, job)
    this.#out.add(job)
    this.#changed(state)
    this.#match(state)
  }

  restored(queue: QueueId, head: Head): void {
    this.#out.delete(head.job)
    this.added(queue, [head])
  }

  /** A job that was not offered is not PENDING any more. */
  gone(queue: QueueId, job: JobId): void {
    this.#out.delete(job)
    const state = this.#stateOf(queue)
    state.window.remove(job)
    this.#changed(state)
  }

  /** A running job does not run any more. */
  left(queue: QueueId): void {
    const state = this.#stateOf(queue)
    state.running--
    this.#changed(state)
    this.#match(state)
  }

  /** A lease can be kept again. */
  leaseFreed(): void {
    if (!this.#isStarved) return
    this.#isStarved = false
    for (const state of this.#queues.values()) this.#match(state)
  }

  /** Seekers may take jobs again that `mayTake` has refused. */
  readmitted(): void {
    for (const workerClass of this.#classes.values()) workerClass.rejoin(this.#effects.mayTake)
    for (const state of this.#queues.values()) this.#match(state)
  }

  /** To be called about twice a second: workers that were passed over and are back, reads that failed, idle classes. */
  pass(): void {
    this.#pass++
    const unread = [...this.#unread]
    this.#unread.clear()
    for (const state of unread) this.#changed(state)
    for (const [key, workerClass] of this.#classes) {
      if (workerClass.rejoin(this.#effects.mayTake)) for (const state of [...workerClass.ready]) this.#match(state)
      if (workerClass.isIdle && this.#pass - workerClass.usedInPass > IDLE_PASSES_MAX) this.#forgetClass(key)
    }
  }

  #match(state: QueueState<S>): void {
    while (state.isReady) {
      const next = this.#nextFor(state)
      if (!next || this.#serve(next.workerClass, next.seeker) !== 'offered') return
      this.unpark(next.seeker)
    }
  }

  #nextFor(state: QueueState<S>): { workerClass: WorkerClass<S>; seeker: S } | undefined {
    let next: { workerClass: WorkerClass<S>; seeker: S } | undefined
    for (const workerClass of state.classes) {
      const seeker = workerClass.first(this.#effects.mayTake)
      if (seeker && (!next || seeker.turn < next.seeker.turn)) next = { workerClass, seeker }
    }
    return next
  }

  #serve(workerClass: WorkerClass<S>, seeker: S): Found {
    const state = bestOf(workerClass.ready)
    const head = state?.window.takeFirst()
    if (!state || !head) return 'none'
    if (!this.#effects.offer(seeker, state.queue.id, head)) {
      state.window.insert(head)
      this.#isStarved = true
      return 'full'
    }
    state.offered++
    this.#out.add(head.job)
    this.#changed(state)
    return 'offered'
  }

  #unoffer(queue: QueueId, job: JobId): QueueState<S> {
    const state = this.#stateOf(queue)
    state.offered--
    this.#out.delete(job)
    return state
  }

  #changed(state: QueueState<S>): void {
    const read = state.window.startRead()
    if (read) {
      const reading = this.#read(state, read).finally(() => this.#reads.delete(reading))
      this.#reads.add(reading)
    }
    state.update()
  }

  async #read(state: QueueState<S>, read: HeadRead): Promise<void> {
    try {
      const rows = await this.#effects.readHeads(state.queue.id, read.after, read.limit)
      state.window.finishRead(read, rows, job => this.#out.has(job))
    } catch (error) {
      state.window.failRead(read)
      this.#unread.add(state)
      this.#effects.readFailed(state.queue.id, error)
      return
    }
    this.#changed(state)
    this.#match(state)
  }

  #classOf(seeker: S): WorkerClass<S> {
    let workerClass = this.#classes.get(seeker.classKey)
    if (!workerClass) {
      if (this.#classes.size >= CLASSES_MAX) this.#makeRoom()
      workerClass = new WorkerClass<S>(seeker)
      this.#classes.set(seeker.classKey, workerClass)
      for (const state of this.#queues.values()) state.join(workerClass)
    }
    workerClass.usedInPass = this.#pass
    return workerClass
  }

  #makeRoom(): void {
    for (const [key, workerClass] of this.#classes) {
      if (!workerClass.isIdle) continue
      this.#forgetClass(key)
      return
    }
    throw new JankinsError('E_TOO_MANY', { labelSets: CLASSES_MAX })
  }

  #forgetClass(key: string): void {
    const workerClass = this.#classes.get(key)
    this.#classes.delete(key)
    if (workerClass) for (const state of this.#queues.values()) state.leave(workerClass)
  }

  #stateOf(queue: QueueId): QueueState<S> {
    const known = this.#queues.get(queue)
    if (known) return known
    // Its row is missing: its jobs can be stopped and end, and none of them is offered.
    const state = new QueueState<S>({ id: queue, labels: [], active: false }, 0, this.#windowRows)
    this.#queues.set(queue, state)
    return state
  }
}

function bestOf<S extends Seeker>(ready: ReadonlySet<QueueState<S>>): QueueState<S> | undefined {
  let best: QueueState<S> | undefined
  let bestHead: Head | undefined
  for (const state of ready) {
    const head = state.window.first
    if (head && (!bestHead || compareHeads(head, bestHead) < 0)) {
      best = state
      bestHead = head
    }
  }
  return best
}
