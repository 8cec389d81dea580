import type { Queue } from '../../store/store.js'
import type { QueueState } from './queue-state.js'

/** Who asks for a job. */
export interface Seeker {
  /** Sorted, without doubles. */
  readonly labels: readonly string[]
  /** Nobody else can read the connection of its worker: it may have jobs with secrets. Missing: no. */
  readonly isPrivate?: boolean
  /** `labels` and `isPrivate` as one text. */
  readonly classKey: string
  /** Lower came first. */
  readonly turn: number
}

/** Workers with the same labels, on connections that are equally private, may take the same queues: what they may take is kept once for all of them. */
export class WorkerClass<S extends Seeker> {
  readonly #labels: ReadonlySet<string>
  readonly #isPrivate: boolean
  /** Queues with a job that a worker of this class may have now. */
  readonly ready = new Set<QueueState<S>>()
  /** The pass of the dispatcher in which the class was last asked for. */
  usedInPass = 0
  /** In the order of their turns. */
  #parked = new Set<S>()
  #lastTurn = -1
  readonly #passedOver = new Set<S>()

  constructor({ labels, isPrivate = false }: Pick<Seeker, 'labels' | 'isPrivate'>) {
    this.#labels = new Set(labels)
    this.#isPrivate = isPrivate
  }

  get isIdle(): boolean {
    return this.#parked.size === 0 && this.#passedOver.size === 0
  }

  fits({ labels, hasSecrets = false }: Pick<Queue, 'labels' | 'hasSecrets'>): boolean {
    return (this.#isPrivate || !hasSecrets) && labels.every(label => this.#labels.has(label))
  }

  park(seeker: S): void {
    this.#parked.add(seeker)
    if (seeker.turn > this.#lastTurn) this.#lastTurn = seeker.turn
    else this.#sort()
  }

  /** False when it was not parked. */
  unpark(seeker: S): boolean {
    return this.#parked.delete(seeker) || this.#passedOver.delete(seeker)
  }

  /** The one that waits longest; those that may not take a job now are passed over from here on. */
  first(mayTake: (seeker: S) => boolean): S | undefined {
    for (const seeker of this.#parked) {
      if (mayTake(seeker)) return seeker
      this.#parked.delete(seeker)
      this.#passedOver.add(seeker)
    }
    return undefined
  }

  /** Those that were passed over and may take a job again get their old place; true when there were any. */
  rejoin(mayTake: (seeker: S) => boolean): boolean {
    const back = [...this.#passedOver].filter(mayTake)
    for (const seeker of back) {
      this.#passedOver.delete(seeker)
      this.#parked.add(seeker)
    }
    if (back.length > 0) this.#sort()
    return back.length > 0
  }

  #sort(): void {
    this.#parked = new Set([...this.#parked].sort((a, b) => a.turn - b.turn))
  }
}
