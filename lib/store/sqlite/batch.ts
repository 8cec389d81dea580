import { JankinsError } from '../../../protocol/errors.js'
import type { Log } from '../../base/log.js'
import type { Handle } from './database.js'

/** Runs `operation` in the next commit; resolves with its result after that commit. */
export type Write = <T>(operation: () => T) => Promise<T>

export interface Batch {
  /**
   * `operation` is synchronous, may run several times (all but the last undone), and changes nothing but the database.
   * @throws what `operation` throws, then nothing of it was written; JankinsError E_STORE_FULL
   */
  readonly write: Write
  /** Commits what waits. What is asked later is refused. */
  close(): void
}

export interface BatchHooks {
  /** Called when the disk is full: true when what did not fit may be tried once more. */
  readonly makeRoom?: () => boolean
  /**
   * Called in each transaction, last before its COMMIT: writes what may not come after it. When it throws an error of
   * the disk, the transaction is undone.
   */
  readonly beforeCommit?: () => void
  /** Called behind each COMMIT that was made; must not throw. */
  readonly afterCommit?: () => void
}

interface Operation {
  readonly run: () => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}
type Outcome = { readonly result: unknown } | { readonly error: unknown }

/** Bounds the memory and the time of one transaction; what is above waits for the next. */
const OPERATIONS_MAX = 4_096

/** Operations between two looks at what a commit leaves to be done: a look costs as much as an operation. */
const LOOK_OPERATIONS = 256

/**
 * Group commit: all operations of one turn of the loop share one transaction and are answered after its commit. When one
 * of them fails, the transaction is undone and made again with a savepoint for each. `onCommitted` runs after the
 * answers were handed out, about every LOOK_OPERATIONS.
 */
export function createBatch(handle: Handle, log: Log, onCommitted: () => void, hooks: BatchHooks = {}): Batch {
  const { makeRoom = () => false } = hooks
  const commit = (): void => {
    hooks.beforeCommit?.()
    handle.sql('COMMIT').run()
    hooks.afterCommit?.()
  }
  const waiting: Operation[] = []
  let full = false
  let closed = false
  let unlookedCount = 0

  function flush(): void {
    const operations = waiting.splice(0, OPERATIONS_MAX)
    if (waiting.length > 0) setImmediate(flush)
    if (operations.length === 0) return
    const outcomes = commitAll(handle, operations, commit) ?? operations.map(commitOrMakeRoom)
    noteFull(outcomes)
    for (const [index, operation] of operations.entries()) settle(operation, outcomes[index] as Outcome)
    unlookedCount += operations.length
    if (unlookedCount < LOOK_OPERATIONS || closed) return
    unlookedCount = 0
    setImmediate(() => closed || onCommitted())
  }

  function commitOrMakeRoom(operation: Operation): Outcome {
    const outcome = commitAlone(handle, operation, commit)
    return isRefused(outcome) && makeRoom() ? commitAlone(handle, operation, commit) : outcome
  }

  function noteFull(outcomes: readonly Outcome[]): void {
    const refused = outcomes.filter(isRefused)
    if (refused.length > 0 === full) return
    full = !full
    if (full) log.error('the database cannot be written: make room on its disk', { refused: refused.length })
    else log.info('the database can be written again')
  }

  return {
    write<T>(operation: () => T): Promise<T> {
      if (closed) return Promise.reject(new Error('the store is closed'))
      return new Promise<T>((resolve, reject) => {
        waiting.push({ run: operation, resolve: resolve as (result: unknown) => void, reject })
        if (waiting.length === 1) setImmediate(flush)
      })
    },
    close() {
      closed = true
      while (waiting.length > 0) flush()
    },
  }
}

/** Undefined when the transaction was lost as a whole: nothing is written then. */
function commitAll(handle: Handle, operations: readonly Operation[], commit: () => void): Outcome[] | undefined {
  const { db, sql } = handle
  try {
    sql('BEGIN IMMEDIATE').run()
  } catch (error) {
    // Nobody is at fault and nothing was tried: a disk that is full is found out one by one, the rest is the same for all.
    return isDiskError(error) ? undefined : operations.map(() => ({ error }))
  }
  try {
    const outcomes = operations.map(({ run }) => ({ result: run() }))
    commit()
    return outcomes
  } catch {
    // A savepoint for each costs a tenth of an insert, so they come only now that one of them is needed.
    if (db.inTransaction) sql('ROLLBACK').run()
    return commitApart(handle, operations, commit)
  }
}

/** Each operation in a savepoint: one that fails leaves the others alone. Undefined as in commitAll. */
function commitApart({ db, sql }: Handle, operations: readonly Operation[], commit: () => void): Outcome[] | undefined {
  const outcomes: Outcome[] = []
  try {
    sql('BEGIN IMMEDIATE').run()
    for (const operation of operations) {
      sql('SAVEPOINT operation').run()
      try {
        outcomes.push({ result: operation.run() })
      } catch (error) {
        // A full disk rolls back the whole transaction, not only the statement that met it.
        if (!db.inTransaction) return undefined
        sql('ROLLBACK TO operation').run()
        if (isDiskError(error)) throw error
        outcomes.push({ error })
      }
      sql('RELEASE operation').run()
    }
    commit()
    return outcomes
  } catch {
    // The caller runs each operation again by itself: whoever is at fault gets the error then.
    if (db.inTransaction) sql('ROLLBACK').run()
    return undefined
  }
}

function commitAlone({ db, sql }: Handle, operation: Operation, commit: () => void): Outcome {
  try {
    sql('BEGIN IMMEDIATE').run()
    const result = operation.run()
    commit()
    return { result }
  } catch (error) {
    if (db.inTransaction) sql('ROLLBACK').run()
    return { error: isDiskError(error) ? new JankinsError('E_STORE_FULL', {}, { cause: error }) : error }
  }
}

function settle(operation: Operation, outcome: Outcome): void {
  if ('error' in outcome) operation.reject(outcome.error)
  else operation.resolve(outcome.result)
}

/** Of the database, and of a file that beforeCommit writes. */
const FULL: ReadonlySet<string> = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS'])

function isDiskError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && (FULL.has(code) || code.startsWith('SQLITE_IOERR'))
}

const isRefused = (outcome: Outcome): boolean =>
  'error' in outcome && outcome.error instanceof JankinsError && outcome.error.code === 'E_STORE_FULL'
