import { JankinsError } from '../../../protocol/errors.js'
import type { InstanceId, JobId, Name } from '../../../protocol/ids.js'
import { BEATS_MISSED_MAX, HEARTBEAT_MS, LIMITS } from '../../../protocol/limits.js'
import type { WorkerView } from '../../../protocol/views.js'
import type { Clock } from '../../base/clock.js'
import { sortedLabels } from '../../domain/action.js'
import type { SlotRef, WorkerSlots } from '../slots.js'
import type { ConnectionId, NewWorker } from './writer.js'

/** After this without a beat people see a worker as suspect, its parked claims are passed over, its name is free. */
export const SUSPECT_MS = BEATS_MISSED_MAX * HEARTBEAT_MS
/** A lost worker stays in the list for so long. */
const FORGET_MS = 3_600_000

/** No label holds a blank. */
const classKeyOf = ({ labels, isPrivate }: Pick<NewWorker, 'labels' | 'isPrivate'>): string =>
  `${sortedLabels(labels).join()}${isPrivate ? ' private' : ''}`

interface Beat {
  /** By Clock.monotonicMs. */
  readonly beatAtMs: number
  readonly free: number
  readonly load: number
}

/** One attachment of a worker; the next one of the same name is another entry. */
export interface WorkerEntry extends NewWorker {
  /** As Seeker has it. */
  readonly classKey: string
  readonly connection: ConnectionId
  readonly slot: SlotRef
  readonly attachedAtMs: number
  /** What it said last; set when it was detached. */
  last?: Beat
}

/** What the list of workers has to know of their leases. */
export interface WorkerLeases {
  jobsOf(worker: Name): readonly JobId[]
  holdsAny(worker: Name): boolean
  isDrained(worker: Name): boolean
}

/** Who is attached, and who was lately. At most LIMITS.workersMax are kept: the first that left go first. */
export class Workers {
  readonly #slots: WorkerSlots
  readonly #clock: Clock
  readonly #leases: WorkerLeases
  readonly #workersMax: number
  readonly #byName = new Map<Name, WorkerEntry>()
  readonly #byConnection = new Map<ConnectionId, WorkerEntry>()
  /** Names that are not attached, those that left first in front. */
  readonly #left = new Set<Name>()
  /** All names in order, for pages. */
  readonly #names: Name[] = []

  constructor(slots: WorkerSlots, clock: Clock, leases: WorkerLeases, workersMax: number = LIMITS.workersMax.value) {
    this.#slots = slots
    this.#clock = clock
    this.#leases = leases
    this.#workersMax = workersMax
  }

  get attachedCount(): number {
    return this.#byConnection.size
  }

  /** @throws JankinsError E_NOT_ATTACHED */
  of(connection: ConnectionId): WorkerEntry {
    const entry = this.#byConnection.get(connection)
    if (!entry) throw new JankinsError('E_NOT_ATTACHED')
    return entry
  }

  /** The attachment that this connection has already, when it asks for the same one again. */
  repeated(connection: ConnectionId, worker: NewWorker): WorkerEntry | undefined {
    const entry = this.#byConnection.get(connection)
    const isSame =
      entry?.worker === worker.worker &&
      entry.user === worker.user &&
      entry.instance === worker.instance &&
      entry.classKey === classKeyOf(worker) &&
      entry.slots === worker.slots &&
      entry.version === worker.version
    return isSame ? entry : undefined
  }

  /**
   * The same instance takes its name over from its connection before; another one does when that connection is closed
   * or has missed its beats.
   * @returns the entry, and the connection that is attached no longer
   * @throws JankinsError E_WORKER_NAME_TAKEN, E_TOO_MANY
   */
  attach(connection: ConnectionId, worker: NewWorker): { entry: WorkerEntry; displaced: ConnectionId | undefined } {
    const before = this.#byName.get(worker.worker)
    if (before && this.#isInTheWay(before, connection, worker.instance))
      throw new JankinsError('E_WORKER_NAME_TAKEN', { worker: worker.worker })
    const displaced = before && this.isAttached(before) ? before.connection : undefined
    if (displaced !== undefined) this.detach(displaced)
    this.detach(connection)
    if (!before) this.#makeRoom()
    const slot = this.#slots.open(this.#clock.monotonicMs())
    if (!slot) throw new JankinsError('E_TOO_MANY', { workers: this.#workersMax })
    const labels = sortedLabels(worker.labels)
    const attachedAtMs = Math.round(this.#clock.nowMs())
    const entry: WorkerEntry = { ...worker, labels, classKey: classKeyOf(worker), connection, slot, attachedAtMs }
    if (!this.#byName.has(entry.worker)) this.#names.splice(this.#placeOf(entry.worker), 0, entry.worker)
    this.#byName.set(entry.worker, entry)
    this.#byConnection.set(connection, entry)
    this.#left.delete(entry.worker)
    return { entry, displaced }
  }

  detach(connection: ConnectionId): void {
    const entry = this.#byConnection.get(connection)
    if (!entry) return
    entry.last = this.beat(entry)
    this.#slots.close(entry.slot)
    this.#byConnection.delete(connection)
    this.#left.add(entry.worker)
  }

  /** What the worker said last, and when. */
  beat(entry: WorkerEntry): Beat {
    return entry.last ?? this.#slots.read(entry.slot, this.#clock.monotonicMs())
  }

  isAttached(entry: WorkerEntry): boolean {
    return this.#byConnection.get(entry.connection) === entry
  }

  isSuspect(entry: WorkerEntry): boolean {
    return this.#clock.monotonicMs() - this.beat(entry).beatAtMs > SUSPECT_MS
  }

  /** Whether a worker of this name is attached and has not missed its beats. */
  isReachable(worker: Name): boolean {
    const entry = this.#byName.get(worker)
    return entry !== undefined && this.isAttached(entry) && !this.isSuspect(entry)
  }

  /** Drops what has been lost for long. */
  forgetLost(): void {
    const forgottenMs = this.#clock.monotonicMs() - FORGET_MS
    for (const name of this.#left) {
      const entry = this.#byName.get(name) as WorkerEntry
      if (this.beat(entry).beatAtMs > forgottenMs) return
      if (!this.#leases.holdsAny(name)) this.#forget(name)
    }
  }

  /** The attachment of this name, the last one if it is over. */
  find(worker: Name): WorkerEntry | undefined {
    return this.#byName.get(worker)
  }

  /** At most `limit` workers by name, behind `after`. */
  page(after: Name | undefined, limit: number): readonly WorkerEntry[] {
    const from = after === undefined ? 0 : this.#placeOf(after, true)
    return this.#names.slice(from, from + limit).map(name => this.#byName.get(name) as WorkerEntry)
  }

  list(after: Name | undefined, limit: number): { workers: readonly WorkerView[]; next?: Name } {
    const entries = this.page(after, limit + 1)
    const shown = entries.slice(0, limit)
    const last = shown.at(-1)?.worker
    const isLast = entries.length === shown.length
    return { workers: shown.map(entry => this.#view(entry)), ...(last !== undefined && !isLast && { next: last }) }
  }

  livenessCounts(): Record<WorkerView['liveness'], number> {
    const counts = { alive: 0, suspect: 0, lost: 0 }
    for (const entry of this.#byName.values()) counts[this.#liveness(entry, this.#ageMs(this.beat(entry)))]++
    return counts
  }

  #ageMs({ beatAtMs }: Beat): number {
    return Math.max(0, Math.round(this.#clock.monotonicMs() - beatAtMs))
  }

  #view(entry: WorkerEntry): WorkerView {
    const beat = this.beat(entry)
    const { free, load } = beat
    const ageMs = this.#ageMs(beat)
    return {
      worker: entry.worker,
      user: entry.user,
      liveness: this.#liveness(entry, ageMs),
      labels: entry.labels as Name[],
      slots: entry.slots,
      free,
      jobs: this.#leases.jobsOf(entry.worker).slice(0, LIMITS.slotsMax.value),
      load,
      ...(this.#leases.isDrained(entry.worker) && { drained: true }),
      version: entry.version,
      attachedAtMs: entry.attachedAtMs,
      beatAtMs: Math.max(0, Math.round(this.#clock.nowMs()) - ageMs),
    }
  }

  /** Lost once no lease of it is left; one that held none is lost after what a lease takes by default. */
  #liveness(entry: WorkerEntry, ageMs: number): WorkerView['liveness'] {
    if (ageMs <= SUSPECT_MS) return 'alive'
    return this.#leases.holdsAny(entry.worker) || ageMs <= LIMITS.leaseMsDefault.value ? 'suspect' : 'lost'
  }

  #isInTheWay(before: WorkerEntry, connection: ConnectionId, instance: InstanceId): boolean {
    return (
      this.isAttached(before) &&
      before.connection !== connection &&
      before.instance !== instance &&
      !this.isSuspect(before)
    )
  }

  #makeRoom(): void {
    if (this.#byName.size < this.#workersMax) return
    for (const name of this.#left) {
      if (this.#leases.holdsAny(name)) continue
      this.#forget(name)
      return
    }
    throw new JankinsError('E_TOO_MANY', { workers: this.#workersMax })
  }

  #forget(name: Name): void {
    this.#byName.delete(name)
    this.#left.delete(name)
    this.#names.splice(this.#placeOf(name), 1)
  }

  /** Index of `name`, or of the first one behind it. */
  #placeOf(name: Name, isBehind = false): number {
    let low = 0
    let high = this.#names.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = this.#names[middle] as Name
      if (found < name || (isBehind && found === name)) low = middle + 1
      else high = middle
    }
    return low
  }
}
