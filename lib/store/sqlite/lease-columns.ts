import type { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { type LeaseId, parseLeaseId } from '../../../protocol/ids.js'
import type { Home } from '../../domain/job.js'

/** The columns of a RUNNING job that say who holds it. */
export interface LeaseColumns {
  readonly lease: Buffer | null
  readonly home_daemon: string | null
  readonly home_epoch: number | null
}

/**
 * Stand for a lease and a home that are damaged, the same for every reader of this process: no worker has the token,
 * so the reaper finds the lease over after its time, and ends the attempt like any other one.
 */
const NOBODY = parseLeaseId(randomBytes(16).toString('hex')) as LeaseId
const NOWHERE: Home = { daemon: '', epoch: 0 }

export const leaseOf = ({ lease }: LeaseColumns): LeaseId => parsed(lease) ?? NOBODY

export const homeOf = ({ home_daemon: daemon, home_epoch: epoch }: LeaseColumns): Home =>
  daemon === null || epoch === null ? NOWHERE : { daemon, epoch }

export const isLeaseWhole = (row: LeaseColumns): boolean => parsed(row.lease) !== undefined && homeOf(row) !== NOWHERE

const parsed = (lease: Buffer | null): LeaseId | undefined =>
  lease === null ? undefined : parseLeaseId(lease.toString('hex'))
