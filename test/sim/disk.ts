import type { Store, StoreReader } from '../../lib/store/store.js'
import { JankinsError } from '../../protocol/errors.js'
import type { Actor, World } from './world.js'

/** The disk of the daemon, as the faults of the moment make it. */
export interface Disk {
  isFull: boolean
  /** How often a write fails by itself: a part of 1. */
  failing: number
  /** Longest time of one write. */
  writeMsMax: number
}

const FAILURE = 'EIO: the simulated disk failed'

/** @throws Error as a disk that fails now and then would */
export function failNow(disk: Disk, world: World): void {
  if (disk.failing > 0 && world.random.chance(disk.failing)) throw new Error(FAILURE)
}

/** Whether what went wrong was wanted. */
export const isFailure = (text: string | undefined): boolean => text?.includes(FAILURE) === true

/**
 * The store of one life of the daemon: each write takes time before its commit and after it, so that the daemon may die
 * in between, and is refused while the disk is full. Writes are committed and answered in the order of their calls.
 */
export function slowStore(store: Store, world: World, actor: Actor, disk: Disk): Store {
  let commitsMs = 0
  let answersMs = 0
  const inOrder = (lastMs: number): number => Math.max(lastMs, world.nowMs + world.random.int(0, disk.writeMsMax))

  const write = <T>(operation: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const answer = (tell: () => void): void => {
        answersMs = inOrder(answersMs)
        world.deliver(answersMs - world.nowMs, actor, tell)
      }
      commitsMs = inOrder(commitsMs)
      world.deliver(commitsMs - world.nowMs, actor, () => {
        // Of a disk that fails SQLite tells the store, which tells what it tells of a full one.
        if (disk.isFull || (disk.failing > 0 && world.random.chance(disk.failing))) {
          answer(() => reject(new JankinsError('E_STORE_FULL')))
          return
        }
        world.busyCount++
        operation()
          .then(
            result => answer(() => resolve(result)),
            error => answer(() => reject(error)),
          )
          .finally(() => {
            world.busyCount--
          })
      })
    })
  const methods = Object.entries(store).map(([name, method]: [string, (...args: unknown[]) => Promise<unknown>]) =>
    READS.has(name) ? [name, method] : [name, (...args: unknown[]) => write(() => method(...args))],
  )
  return { ...(Object.fromEntries(methods) as Store), close: () => {} }
}

/** What needs no turn of the disk. */
const READS: ReadonlySet<string> = new Set<keyof StoreReader>([
  ...(['findAccount', 'listUsers', 'listInvites', 'findAction', 'listActions', 'findJob', 'queryJobs'] as const),
  ...(['findActionFacts', 'readJobEvents', 'listDrainedWorkers'] as const),
  ...(['readJob', 'readOrder', 'readHeads', 'readDispatchState'] as const),
])
