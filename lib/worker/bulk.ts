import type { LeaseId } from '../../protocol/ids.js'
import type { Clock, Timer } from '../base/clock.js'
import type { Client } from '../client/connection.js'
import type { LeaseHolder } from './link.js'

/** A connection that nobody asked for in this time is closed. */
const IDLE_MS = 5_000

/**
 * The second connection to a server: logs, artifacts and bundles go over it, so that they never stand before a beat.
 * One for all jobs of a server; opened when it is first needed.
 */
export function createBulk(
  dialUp: () => Promise<Client>,
  clock: Clock,
): { client(holder: LeaseHolder): Promise<Client>; forget(lease: LeaseId): void; close(): void } {
  let opening: Promise<Client> | undefined
  let held = new Map<LeaseId, Promise<unknown>>()
  let idle: Timer | undefined
  let closed: boolean = false

  const closeIdle = (client: Client): void => {
    idle?.cancel()
    // On a slow line one chunk may take longer than that.
    const close = (): void => (client.openCount > 0 ? closeIdle(client) : client.close())
    idle = clock.after(IDLE_MS, close, { background: true })
  }

  const dropped = (connection: Promise<Client>): void => {
    if (opening !== connection) return
    opening = undefined
    held = new Map()
    idle?.cancel()
  }

  const opened = (): Promise<Client> => {
    if (opening) return opening
    const connection = dialUp()
    opening = connection
    connection.then(
      client => {
        if (closed) client.destroy()
        void client.closed.then(() => dropped(connection))
      },
      () => dropped(connection),
    )
    return connection
  }

  return {
    async client(holder) {
      idle?.cancel()
      const connection = opened()
      const client = await connection
      const leases = held
      const resumed = leases.get(holder.lease) ?? client.call('job.resume', { job: holder.job, lease: holder.lease })
      leases.set(holder.lease, resumed)
      await resumed.catch(error => {
        leases.delete(holder.lease)
        throw error
      })
      closeIdle(client)
      return client
    },
    forget: lease => void held.delete(lease),
    close() {
      closed = true
      idle?.cancel()
      opening?.then(
        client => client.close(),
        () => {},
      )
    },
  }
}
