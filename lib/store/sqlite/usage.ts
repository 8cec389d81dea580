import type { Usage } from '../../../protocol/fields.js'
import type { JobId } from '../../../protocol/ids.js'
import { present } from './columns.js'
import type { Handle } from './database.js'

interface UsageRow {
  readonly cpu_user_ms: number | null
  readonly cpu_system_ms: number | null
  readonly memory_peak_bytes: number | null
}

const READ = 'SELECT cpu_user_ms, cpu_system_ms, memory_peak_bytes FROM job_usage WHERE job = ?'
const WRITE = 'INSERT INTO job_usage (job, cpu_user_ms, cpu_system_ms, memory_peak_bytes) VALUES (?, ?, ?, ?)'

/** One row by primary key. Empty when nothing is known. */
export function readUsage({ sql }: Handle, job: JobId): Usage {
  const row = sql<UsageRow>(READ).get(job)
  if (!row) return {}
  return present<Usage>({
    cpuUserMs: row.cpu_user_ms,
    cpuSystemMs: row.cpu_system_ms,
    memoryPeakBytes: row.memory_peak_bytes,
  })
}

/** To be called once for a job, when it ends. */
export function writeUsage({ sql }: Handle, job: JobId, { cpuUserMs, cpuSystemMs, memoryPeakBytes }: Usage): void {
  if (cpuUserMs === undefined && cpuSystemMs === undefined && memoryPeakBytes === undefined) return
  sql(WRITE).run(job, cpuUserMs ?? null, cpuSystemMs ?? null, memoryPeakBytes ?? null)
}
