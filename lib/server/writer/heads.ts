import type { JobId } from '../../../protocol/ids.js'
import type { Head } from '../../store/store.js'

/** Names one read of the rows behind a window: its answer is taken only while it is the last one. */
export interface HeadRead {
  /** Undefined: from the beginning. */
  readonly after: Head | undefined
  readonly limit: number
}

interface Reading extends HeadRead {
  /** Rows that appeared behind the window while the read was under way: it may have missed them. */
  readonly late: Head[]
  /** Jobs that left while the read was under way: it may still show them. */
  readonly gone: Set<JobId>
}

/**
 * The first PENDING jobs of one queue, best first, without those that are offered: a sorted prefix of the rows, so that
 * the memory of a queue does not grow with what waits in it. Every row up to `#readTo` is here; behind it, nothing is
 * known unless `#isWhole`.
 */
export class HeadWindow {
  readonly #rowsMax: number
  #heads: Head[] = []
  readonly #jobs = new Set<JobId>()
  #readTo: Head | undefined
  #isWhole: boolean = false
  #reading: Reading | undefined

  /** @param rowsMax rows that one read asks for; twice as many are kept at most */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax
  }

  get first(): Head | undefined {
    return this.#heads[0]
  }

  /** How many rows of the window come before this job; undefined when it is not in it. */
  placeOf(job: JobId): number | undefined {
    if (!this.#jobs.has(job)) return undefined
    return this.#heads.findIndex(head => head.job === job)
  }

  takeFirst(): Head | undefined {
    const head = this.#heads.shift()
    if (head) this.#jobs.delete(head.job)
    return head
  }

  /** A row is PENDING and not offered (any more). */
  insert(head: Head): void {
    this.#reading?.gone.delete(head.job)
    if (!this.#covers(head)) {
      this.#reading?.late.push(head)
      return
    }
    if (this.#jobs.has(head.job)) return
    this.#heads.splice(this.#placeOf(head), 0, head)
    this.#jobs.add(head.job)
    if (this.#heads.length > 2 * this.#rowsMax) this.#cut()
  }

  /** A row is not PENDING any more. */
  remove(job: JobId): void {
    this.#reading?.gone.add(job)
    if (!this.#jobs.delete(job)) return
    const index = this.#heads.findIndex(head => head.job === job)
    this.#heads.splice(index, 1)
  }

  /** What has to be read now, or undefined. Answer it with `finishRead` or `failRead`. */
  startRead(): HeadRead | undefined {
    if (this.#isWhole || this.#reading || this.#heads.length > this.#rowsMax / 4) return undefined
    this.#reading = { after: this.#readTo, limit: this.#rowsMax, late: [], gone: new Set() }
    return this.#reading
  }

  /** @param isOut whether a job must not come in: it is offered just now, or was set aside */
  finishRead(read: HeadRead, rows: readonly Head[], isOut: (job: JobId) => boolean): void {
    const reading = this.#reading
    if (reading === undefined || reading !== read) return
    this.#reading = undefined
    this.#isWhole = rows.length < read.limit
    this.#readTo = rows.at(-1) ?? this.#readTo
    for (const row of rows) if (!reading.gone.has(row.job) && !isOut(row.job)) this.insert(row)
    for (const row of reading.late) if (!reading.gone.has(row.job) && !isOut(row.job)) this.insert(row)
  }

  failRead(read: HeadRead): void {
    if (this.#reading === read) this.#reading = undefined
  }

  #covers(head: Head): boolean {
    return this.#isWhole || (this.#readTo !== undefined && compareHeads(head, this.#readTo) <= 0)
  }

  #placeOf(head: Head): number {
    let low = 0
    let high = this.#heads.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareHeads(this.#heads[middle] as Head, head) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Forgets the worst rows; a read that is under way began behind them and is worthless. */
  #cut(): void {
    for (const head of this.#heads.slice(this.#rowsMax)) this.#jobs.delete(head.job)
    this.#heads.length = this.#rowsMax
    this.#readTo = this.#heads.at(-1)
    this.#isWhole = false
    this.#reading = undefined
  }
}

/** Below 0 when `a` runs first: higher priority, then lower id. */
export const compareHeads = (a: Head, b: Head): number => b.priority - a.priority || a.job - b.job
