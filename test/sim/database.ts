import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { silentLog } from '../../lib/base/log.js'
import { openStore } from '../../lib/store/open.js'
import type { Store } from '../../lib/store/store.js'
import type { JobId } from '../../protocol/ids.js'
import type { World } from './world.js'

/** Where nobody waits for the disk, what was written in this time before an end is lost. */
const SYNC_MS = 200
const FILES = ['jankins.db', 'jankins.db-wal'] as const

/** The database, which outlives the daemon, with a note of each job that may have changed. */
export class Database {
  /** The same object, also when the file behind it was put back. */
  readonly store: Store
  readonly #dataDir: string
  readonly #world: World
  readonly #isUnsynced: boolean
  readonly #tell: (line: string) => void
  #opened: Store
  #changed = new Set<JobId>()
  /** When the copy of the files was made that an end leaves. */
  #syncedAtMs: number | undefined
  #isRestored: boolean = false

  /** @param isUnsynced commits are answered before they are on the disk: the fault that tests look for */
  constructor(dataDir: string, world: World, isUnsynced: boolean, tell: (line: string) => void) {
    this.#dataDir = dataDir
    this.#world = world
    this.#isUnsynced = isUnsynced
    this.#tell = tell
    this.#opened = openStore(dataDir, silentLog, { synchronous: 'OFF' })
    this.store = this.#watched()
  }

  takeChanged(): ReadonlySet<JobId> {
    const changed = this.#changed
    if (changed.size > 0) this.#changed = new Set()
    return changed
  }

  /** Whether something was lost since the last call. */
  takeRestored(): boolean {
    const isRestored = this.#isRestored
    this.#isRestored = false
    return isRestored
  }

  onKill(): void {
    const sinceMs = this.#syncedAtMs
    this.#syncedAtMs = undefined
    if (sinceMs === undefined || this.#world.nowMs - sinceMs >= SYNC_MS) return
    this.#opened.close()
    for (const file of FILES) copy(join(this.#dataDir, `${file}.synced`), join(this.#dataDir, file))
    this.#opened = openStore(this.#dataDir, silentLog, { synchronous: 'OFF' })
    this.#isRestored = true
  }

  close(): void {
    this.#opened.close()
  }

  #beforeWrite(): void {
    const { nowMs } = this.#world
    if (!this.#isUnsynced || (this.#syncedAtMs !== undefined && nowMs - this.#syncedAtMs < SYNC_MS)) return
    this.#syncedAtMs = nowMs
    for (const file of FILES) copy(join(this.#dataDir, file), join(this.#dataDir, `${file}.synced`))
  }

  #watched(): Store {
    const methods = Object.keys(this.#opened).map(name => {
      const call = (...args: unknown[]): unknown =>
        (this.#opened[name as keyof Store] as (...args: unknown[]) => unknown)(...args)
      return [name, call]
    })
    const store = Object.fromEntries(methods) as Store
    return {
      ...store,
      insertJobs: async jobs => {
        this.#beforeWrite()
        const inserted = await store.insertJobs(jobs)
        for (const job of inserted.jobs) this.#changed.add(job)
        return inserted
      },
      applyEvent: async (job, event, version) => {
        this.#beforeWrite()
        this.#changed.add(job)
        try {
          const change = await store.applyEvent(job, event, version)
          const { before, after } = change
          this.#tell(
            `job ${job}: ${event.kind}: ${before.state.kind} ${before.attempt} -> ${after.state.kind} ${after.attempt}`,
          )
          return change
        } catch (error) {
          this.#tell(`job ${job}: ${event.kind} is refused: ${String(error)}`)
          throw error
        }
      },
    }
  }
}

function copy(from: string, to: string): void {
  if (existsSync(from)) copyFileSync(from, to)
  else rmSync(to, { force: true })
}
