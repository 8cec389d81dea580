import type { Queue } from '../../store/store.js'
import { HeadWindow } from './heads.js'
import type { Seeker, WorkerClass } from './worker-class.js'

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
