/**
 * Fair sharing of a worker's time: the server with the least time spent per weight is asked first. One that had no job
 * for us gets no credit for that time: else it could take the whole worker for as long afterwards.
 */
export interface Share {
  /** 1 and up; twice the weight, twice the time. */
  readonly weight: number
  /** Slot time that jobs of this server have used, ms. */
  readonly spentMs: number
}

/** Indexes into `shares`, the most deserving first; equal ones in the order given. */
export function orderByShare(shares: readonly Share[]): readonly number[] {
  return shares.map((_, index) => index).sort((a, b) => used(shares[a]) - used(shares[b]) || a - b)
}

/** What a server that was asked in vain counts as having used, when another one was served instead. */
export const lifted = (idle: Share, served: Share): Share =>
  used(idle) >= used(served) ? idle : { ...idle, spentMs: used(served) * idle.weight }

const used = (share: Share | undefined): number => (share ? share.spentMs / share.weight : 0)
