import { JankinsError } from '../../../protocol/errors.js'
import type { Name } from '../../../protocol/ids.js'
import type { Queue, Store } from '../../store/store.js'

/** What queueing has to know of an action. */
export interface ActionDefaults {
  readonly priority: number
  readonly retries: number
  /** Who may queue its jobs; missing: everyone who may queue. */
  readonly allow?: readonly string[]
}

/** Which queue a new job goes to: known in memory, so that queueing costs one write and no read. */
export class Queues {
  readonly #store: Store
  readonly #byAction = new Map<Name, Queue>()
  readonly #byLabels = new Map<string, Queue>()
  readonly #defaults = new Map<Name, ActionDefaults>()

  constructor(store: Store) {
    this.#store = store
  }

  put(queue: Queue): void {
    if (queue.action === undefined) {
      // What is damaged does not stand for the labels that it has lost.
      if (queue.fault === undefined) this.#byLabels.set(queue.labels.join(), queue)
    } else this.#byAction.set(queue.action, queue)
  }

  putDefaults(action: Name, { priority, retries, allow }: ActionDefaults): void {
    this.#defaults.set(action, { priority, retries, ...(allow && { allow }) })
  }

  /** @throws JankinsError E_ACTION_NOT_FOUND */
  ofAction(action: Name): Queue {
    const queue = this.#byAction.get(action)
    if (!queue) throw new JankinsError('E_ACTION_NOT_FOUND', { action })
    return queue
  }

  ofLabels(labels: readonly string[]): Queue | undefined {
    return this.#byLabels.get(labels.join())
  }

  /** At once when known; read on the first use after a start. @throws JankinsError E_ACTION_NOT_FOUND */
  defaultsOf(action: Name): ActionDefaults | Promise<ActionDefaults> {
    return this.#defaults.get(action) ?? this.#readDefaults(action)
  }

  async #readDefaults(action: Name): Promise<ActionDefaults> {
    const view = await this.#store.findAction(action)
    if (!view) throw new JankinsError('E_ACTION_NOT_FOUND', { action })
    // Meanwhile the action may have been changed: that is newer than what was read.
    if (!this.#defaults.has(action)) {
      const { priority = 0, retries = 0, allow } = view
      this.putDefaults(action, { priority, retries, ...(allow && { allow }) })
    }
    return this.#defaults.get(action) as ActionDefaults
  }
}
