import type { JobFilter } from '../store.js'
import type { Handle } from './database.js'
import { STATE_NUMBERS } from './states.js'

/** What no index answers: almost all jobs are COMPLETE, and the rest are details. */
export const READ_FACTS = 'SELECT state, pid, exit_code, queued_at_ms FROM jobs WHERE id = ?'
/** Of what the job ran; of what its action says now, where it has not run. */
export const READ_LABELS = `
  SELECT coalesce(j.definition_view, v.view) AS view FROM jobs j
  LEFT JOIN queues q ON q.id = j.queue
  LEFT JOIN actions a ON a.id = q.action
  LEFT JOIN action_versions v ON v.id = coalesce(j.version, a.version)
  WHERE j.id = ?`
export const READ_PARAMETERS = `
  SELECT coalesce(j.parameters, (SELECT f.parameters FROM jobs f WHERE f.id = j.batch_of)) AS parameters
  FROM jobs j WHERE j.id = ?`
const FIRST_FROM = 'SELECT id, queued_at_ms FROM jobs WHERE id >= ? ORDER BY id LIMIT 1'
const LAST = 'SELECT max(id) AS id FROM jobs'

/** Rows that one look at the labels of a job visits. */
const LABEL_ROWS = 4
/** About as much text as a row takes without any. */
const TEXT_BYTES_PER_ROW = 1_024

interface FactsRow {
  readonly state: number
  readonly pid: number | null
  readonly exit_code: number | null
  readonly queued_at_ms: number
}

/** Whether a row fits, and how many rows had to be visited to know. */
export type Fits = (id: number) => { readonly fits: boolean; readonly visited: number }

/** What is left of a filter when the indexes have answered; undefined when they tell everything. */
export function restOf(handle: Handle, filter: JobFilter): Fits | undefined {
  const tests = [factsTest(handle, filter), labelTest(handle, filter), textTest(handle, filter)].filter(
    test => test !== undefined,
  )
  if (tests.length === 0) return undefined
  return id => {
    let visited = 0
    for (const test of tests) {
      const answer = test(id)
      visited += answer.visited
      if (!answer.fits) return { fits: false, visited }
    }
    return { fits: true, visited }
  }
}

function factsTest({ sql }: Handle, filter: JobFilter): Fits | undefined {
  const { state, pid, exitCode, queuedFromMs, queuedBeforeMs } = filter
  if (state !== 'COMPLETE' && [pid, exitCode, queuedFromMs, queuedBeforeMs].every(value => value === undefined))
    return undefined
  const statement = sql<FactsRow>(READ_FACTS)
  return id => {
    const row = statement.get(id)
    const fits =
      row !== undefined &&
      (state !== 'COMPLETE' || row.state === STATE_NUMBERS.COMPLETE) &&
      (pid === undefined || row.pid === pid) &&
      (exitCode === undefined || row.exit_code === exitCode) &&
      (queuedFromMs === undefined || row.queued_at_ms >= queuedFromMs) &&
      (queuedBeforeMs === undefined || row.queued_at_ms < queuedBeforeMs)
    return { fits, visited: 1 }
  }
}

function labelTest({ sql }: Handle, { label }: JobFilter): Fits | undefined {
  if (label === undefined) return undefined
  const statement = sql<{ view: string | null }>(READ_LABELS)
  return id => {
    const view = parsed(statement.get(id)?.view ?? null) as { labels?: readonly string[] } | undefined
    return { fits: view?.labels?.includes(label) === true, visited: LABEL_ROWS }
  }
}

function textTest({ sql }: Handle, { text }: JobFilter): Fits | undefined {
  if (text === undefined) return undefined
  const statement = sql<{ parameters: string | null }>(READ_PARAMETERS)
  return id => {
    const json = statement.get(id)?.parameters ?? null
    const parameters = (parsed(json) ?? []) as readonly (readonly [string, string])[]
    const fits = parameters.some(([name, value]) => `${name}=${value}`.includes(text))
    return { fits, visited: 2 + Math.ceil((json?.length ?? 0) / TEXT_BYTES_PER_ROW) }
  }
}

/** Undefined for none, and for what is damaged. */
function parsed(json: string | null): unknown {
  try {
    return json === null ? undefined : JSON.parse(json)
  } catch {
    return undefined
  }
}

/**
 * The least id of a job that was queued at `timeMs` or later, by halving: ids are in the order of time.
 * @returns one more than the last id when there is none
 */
export function firstIdFrom({ sql }: Handle, timeMs: number): number {
  const first = sql<{ id: number; queued_at_ms: number }>(FIRST_FROM)
  let low = 1
  let high = (sql<{ id: number | null }>(LAST).get()?.id ?? 0) + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const row = first.get(middle)
    if (row === undefined || row.queued_at_ms >= timeMs) high = middle
    else low = row.id + 1
  }
  return low
}
