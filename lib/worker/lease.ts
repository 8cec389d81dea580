/**
 * How long a job may go on, on the boot clock of its machine (it goes on while the machine sleeps, and never steps).
 * Counted from when the beat was sent, so the worker's end always lies before the daemon's.
 */
export interface Lease {
  readonly leaseMs: number
  readonly endsAtBootMs: number
}

export const leaseFrom = (leaseMs: number, sentAtBootMs: number): Lease => ({
  leaseMs,
  endsAtBootMs: sentAtBootMs + leaseMs,
})

/** A reply to an older beat may come after that to a newer one: the end never moves back. */
export const renewed = (lease: Lease, sentAtBootMs: number): Lease =>
  sentAtBootMs + lease.leaseMs > lease.endsAtBootMs ? leaseFrom(lease.leaseMs, sentAtBootMs) : lease

export const isOver = (lease: Lease, nowBootMs: number): boolean => nowBootMs >= lease.endsAtBootMs
