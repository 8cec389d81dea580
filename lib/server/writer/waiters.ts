import { JankinsError } from '../../../protocol/errors.js'
import type { JobId } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { Clock, Timer } from '../../base/clock.js'
import type { LeaseSlots, SlotRef } from '../slots.js'
import type { ConnectionId } from './writer.js'

export interface Waiter {
  readonly connection: ConnectionId
  readonly job: JobId
  readonly kind: 'end' | 'log'
  /** What the connection calls it, to cancel it. */
  readonly wait: number | undefined
  readonly woken: Promise<void>
  readonly resolve: () => void
  timer?: Timer
  /** The lease whose log it follows: counted there, so that whoever writes the log tells of it. */
  followed?: SlotRef
}

/** Who waits for what of a job. Each leaves by a wake-up, by its time, or with its connection. */
export class Waiters {
  readonly #clock: Clock
  readonly #slots: LeaseSlots
  readonly #byJob = new Map<JobId, Set<Waiter>>()
  readonly #byConnection = new Map<ConnectionId, Set<Waiter>>()
  #count = 0

  constructor(clock: Clock, slots: LeaseSlots) {
    this.#clock = clock
    this.#slots = slots
  }

  /** @throws JankinsError E_TOO_MANY */
  add(connection: ConnectionId, job: JobId, kind: Waiter['kind'], waitMs: number, wait: number | undefined): Waiter {
    if (this.#count >= LIMITS.waitersMax.value) throw new JankinsError('E_TOO_MANY', { waiters: this.#count })
    let resolve = (): void => undefined
    const woken = new Promise<void>(settle => {
      resolve = settle
    })
    const waiter: Waiter = { connection, job, kind, wait, woken, resolve }
    waiter.timer = this.#clock.after(waitMs, () => this.wake(waiter), { background: true })
    join(this.#byJob, job, waiter)
    join(this.#byConnection, connection, waiter)
    this.#count++
    return waiter
  }

  /** Tells whoever writes the log of this lease to call `grew`, for as long as the waiter waits. */
  follow(waiter: Waiter, slot: SlotRef): void {
    if (!this.#byJob.get(waiter.job)?.has(waiter)) return
    waiter.followed = slot
    this.#slots.follow(slot, 1)
  }

  wake(waiter: Waiter): void {
    if (!leave(this.#byJob, waiter.job, waiter)) return
    leave(this.#byConnection, waiter.connection, waiter)
    this.#count--
    waiter.timer?.cancel()
    if (waiter.followed) this.#slots.follow(waiter.followed, -1)
    waiter.resolve()
  }

  /** The job has ended: nobody has to wait any longer. */
  ended(job: JobId): void {
    for (const waiter of [...(this.#byJob.get(job) ?? [])]) this.wake(waiter)
  }

  /** The log of the job grew, or its attempt began or ended. */
  grew(job: JobId): void {
    for (const waiter of [...(this.#byJob.get(job) ?? [])]) if (waiter.kind === 'log') this.wake(waiter)
  }

  cancel(connection: ConnectionId, wait: number): void {
    for (const waiter of this.#byConnection.get(connection) ?? [])
      if (waiter.wait === wait) {
        this.wake(waiter)
        return
      }
  }

  connectionClosed(connection: ConnectionId): void {
    for (const waiter of [...(this.#byConnection.get(connection) ?? [])]) this.wake(waiter)
  }

  stop(): void {
    for (const waiters of [...this.#byJob.values()]) for (const waiter of [...waiters]) this.wake(waiter)
  }
}

function join<K>(map: Map<K, Set<Waiter>>, key: K, waiter: Waiter): void {
  const waiters = map.get(key)
  if (waiters) waiters.add(waiter)
  else map.set(key, new Set([waiter]))
}

function leave<K>(map: Map<K, Set<Waiter>>, key: K, waiter: Waiter): boolean {
  const waiters = map.get(key)
  if (!waiters?.delete(waiter)) return false
  if (waiters.size === 0) map.delete(key)
  return true
}
