import type { JobId } from '../../../protocol/ids.js'
import type { Queue } from '../../store/store.js'
import { HeadWindow } from './heads.js'
import type { Seeker, WorkerClass } from './worker-class.js'

/** What a queue is like now, for people. */
export interface QueueFacts {
  readonly queue: Queue
  /** Running jobs, and those that are being taken. */
  readonly running: number
  /** Jobs that come before the one that was asked about; undefined when it is not near the head. */
  readonly before: number | undefined
}

/** One queue as the dispatcher sees it. The counts are kept, never counted. */
export class QueueState<S extends Seeker> {
  queue: Queue
  readonly window: HeadWindow
  running: number
  offered = 0
  /** Whose workers may have jobs of the queue. */
  readonly classes = new Set<WorkerClass<S>>()
  #isReady: boolean = false

  constructor(queue: Queue, running: number, windowRows: number) {
    this.queue = queue
    this.running = running
    this.window = new HeadWindow(windowRows)
  }

  facts(job: JobId | undefined): QueueFacts {
    const before = job === undefined ? undefined : this.window.placeOf(job)
    return { queue: this.queue, running: this.running + this.offered, before }
  }

  /** Whether a job of it may be offered now. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Call after any change: tells the classes when the queue opened or shut. */
  update(): void {
    const isReady = this.queue.active && this.window.first !== undefined && this.#isBelowLimit()
    if (isReady === this.#isReady) return
    this.#isReady = isReady
    for (const workerClass of this.classes) {
      if (isReady) workerClass.ready.add(this)
      else workerClass.ready.delete(this)
    }
  }

  join(workerClass: WorkerClass<S>): void {
    if (!workerClass.fits(this.queue)) return
    this.classes.add(workerClass)
    if (this.#isReady) workerClass.ready.add(this)
  }

  leave(workerClass: WorkerClass<S>): void {
    this.classes.delete(workerClass)
    workerClass.ready.delete(this)
  }

  #isBelowLimit(): boolean {
    const { runningMax } = this.queue
    return runningMax === undefined || this.running + this.offered < runningMax
  }
}
