import { JankinsError } from '../../protocol/errors.js'
import type { Name } from '../../protocol/ids.js'
import type { ResilientClient } from '../client/resilient.js'
import { given } from './given.js'

/** Names that are looked at: more are no help to somebody who mistyped one. */
const PAGES_MAX = 10

/** The daemon knows no such name, and this one is like it. */
export class NearMissError extends Error {
  override readonly name = 'NearMissError'
  readonly miss: JankinsError
  readonly nearest: string
  constructor(miss: JankinsError, nearest: string) {
    super(`${miss.message}, did you mean ${nearest}?`, { cause: miss })
    this.miss = miss
    this.nearest = nearest
  }
}

/** The same error, or one that names what was probably meant. Asks the daemon for its names; never throws. */
export async function withNearest(error: unknown, client: ResilientClient): Promise<unknown> {
  if (!(error instanceof JankinsError)) return error
  const { action, worker } = error.detail
  const names =
    error.code === 'E_ACTION_NOT_FOUND' && typeof action === 'string'
      ? { typed: action, all: () => actionNames(client) }
      : error.code === 'E_WORKER_NOT_FOUND' && typeof worker === 'string'
        ? { typed: worker, all: () => workerNames(client) }
        : undefined
  try {
    const nearest = names && nearestOf(names.typed, await names.all())
    return nearest === undefined ? error : new NearMissError(error, nearest)
  } catch {
    return error
  }
}

export const actionNames = (client: ResilientClient): Promise<readonly Name[]> =>
  allNames(async after => {
    const { actions, next } = await client.call('action.list', given({ after }))
    return { names: actions.map(({ action }) => action), next }
  })

export const workerNames = (client: ResilientClient): Promise<readonly Name[]> =>
  allNames(async after => {
    const { workers, next } = await client.call('worker.list', given({ after }))
    return { names: workers.map(({ worker }) => worker), next }
  })

async function allNames(
  read: (after: Name | undefined) => Promise<{ readonly names: readonly Name[]; readonly next?: Name | undefined }>,
): Promise<readonly Name[]> {
  const names: Name[] = []
  let after: Name | undefined
  for (let page = 0; page < PAGES_MAX; page++) {
    const found = await read(after)
    names.push(...found.names)
    after = found.next
    if (after === undefined) break
  }
  return names
}

/** The name that takes the fewest changes to become what was typed; undefined when none is like it. Pure. */
export function nearestOf(typed: string, names: readonly string[]): string | undefined {
  const changesMax = Math.max(1, Math.floor(typed.length / 3))
  let best: { readonly name: string; readonly changes: number } | undefined
  for (const name of names) {
    const changes = changesBetween(typed.toLowerCase(), name.toLowerCase())
    if (changes <= changesMax && (!best || changes < best.changes)) best = { name, changes }
  }
  return best?.name
}

/** Characters put in, taken out, changed, or swapped with their neighbour: optimal string alignment. */
function changesBetween(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const around = [last[j] ?? 0, row[j - 1] ?? 0].map(changes => changes + 1)
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwapped ? [(before[j - 2] ?? 0) + 1] : []
      row.push(Math.min(...around, ...swapped, (last[j - 1] ?? 0) + (isSame ? 0 : 1)))
    }
    ;[before, last] = [last, row]
  }
  return last[b.length] ?? 0
}
