import type { Store, StoreWriter } from '../../lib/store/store.js'
import { JankinsError } from '../../protocol/errors.js'
import type { Actor, World } from './world.js'

/** The disk of the daemon, as the faults of the moment make it. */
export interface Disk {
  isFull: boolean
  /** Longest time of one write. */
  writeMsMax: number
}

export interface DiskHooks {
  /** Called before an operation is handed to the database. */
  before(): void
  /** The database holds the result of an operation, or is as it was. */
  after(): void
}

/**
 * The store of one life of the daemon: each write takes time before its commit and after it, so that the daemon may die
 * in between, and is refused while the disk is full. Writes are committed and answered in the order of their calls.
 */
export function slowStore(store: Store, world: World, actor: Actor, disk: Disk, hooks: DiskHooks): Store {
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
        if (disk.isFull) {
          answer(() => reject(new JankinsError('E_STORE_FULL')))
          return
        }
        hooks.before()
        world.busyCount++
        operation()
          .then(
            result => answer(() => resolve(result)),
            error => answer(() => reject(error)),
          )
          .finally(() => {
            world.busyCount--
            hooks.after()
          })
      })
    })
  return { ...store, ...writes(store, write), close: () => {} }
}

const writes = (store: Store, write: <T>(operation: () => Promise<T>) => Promise<T>): StoreWriter => ({
  beginEpoch: daemon => write(() => store.beginEpoch(daemon)),
  addUser: (...args) => write(() => store.addUser(...args)),
  setPassword: (...args) => write(() => store.setPassword(...args)),
  setUserActive: (...args) => write(() => store.setUserActive(...args)),
  putAction: (...args) => write(() => store.putAction(...args)),
  setActionActive: (...args) => write(() => store.setActionActive(...args)),
  openExecQueue: labels => write(() => store.openExecQueue(labels)),
  insertJobs: jobs => write(() => store.insertJobs(jobs)),
  applyEvent: (...args) => write(() => store.applyEvent(...args)),
  noteBeats: beats => write(() => store.noteBeats(beats)),
  noteDurableLengths: (...args) => write(() => store.noteDurableLengths(...args)),
})
