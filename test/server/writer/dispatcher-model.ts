import { compareHeads } from '../../../lib/server/writer/heads.js'
import type { Seeker } from '../../../lib/server/writer/worker-class.js'
import type { Head, Queue, QueueId } from '../../../lib/store/store.js'

export interface Given {
  readonly turn: number
  readonly job: number
}

/** The rules without any cleverness: everything is looked through each time. */
export class Model {
  readonly given: Given[] = []
  readonly queues = new Map<QueueId, { queue: Queue; running: number }>()
  readonly pending: { queue: QueueId; head: Head }[] = []
  readonly offered: { queue: QueueId; head: Head }[] = []
  readonly parked: Seeker[] = []
  readonly running: QueueId[] = []

  match(): void {
    for (const seeker of [...this.parked].sort((a, b) => a.turn - b.turn)) {
      const best = this.pending.filter(({ queue }) => this.#isOpen(queue, seeker))
      best.sort((a, b) => compareHeads(a.head, b.head))
      if (!best[0]) continue
      this.parked.splice(this.parked.indexOf(seeker), 1)
      this.pending.splice(this.pending.indexOf(best[0]), 1)
      this.offered.push(best[0])
      this.given.push({ turn: seeker.turn, job: best[0].head.job })
    }
  }

  rowsBehind(id: QueueId, after: Head | undefined, limit: number): readonly Head[] {
    const rows = [...this.pending, ...this.offered].filter(({ queue }) => queue === id).map(({ head }) => head)
    return rows
      .sort(compareHeads)
      .filter(head => !after || compareHeads(head, after) > 0)
      .slice(0, limit)
  }

  #isOpen(id: QueueId, seeker: Seeker): boolean {
    const { queue, running } = this.queues.get(id) as { queue: Queue; running: number }
    const out = running + this.offered.filter(offer => offer.queue === id).length
    const fits = queue.labels.every(label => seeker.labels.includes(label))
    return fits && queue.active && (queue.runningMax === undefined || out < queue.runningMax)
  }
}
