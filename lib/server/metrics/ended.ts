import type { JobState } from '../../domain/job.js'
import { COUNTERS, type Counter } from './families.js'

type Finished = Extract<JobState, { readonly end: unknown }>

/** Under what the end of a job is counted; what no row is made for, as the worker tells it, counts as a failure. */
export function endCounter({ kind, end }: Finished): Counter {
  const reason = end.reason ?? (end.exitCode === 0 ? 'succeeded' : 'failed')
  return ENDS.get(`${kind} ${reason}`) ?? 'failed'
}

const ENDS = new Map(
  Object.entries(COUNTERS).flatMap(([counter, { family, labels }]) =>
    family === 'jankins_jobs_ended_total' ? [[`${labels.state} ${labels.reason}`, counter as Counter]] : [],
  ),
)
