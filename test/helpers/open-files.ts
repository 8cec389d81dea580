import { execFileSync } from 'node:child_process'
import type { Test } from 'tap'

/** Descriptors that a test and its daemon need beside the connections. */
const OTHER_FILES = 200

/** As many connections as the limit of open files lets in, told loudly when that is less than wanted. */
export function connectionsThatFit(t: Test, wanted: number): number {
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }))
  const count = Number.isNaN(limit) ? wanted : Math.min(wanted, limit - OTHER_FILES)
  if (count < wanted)
    t.comment(`ONLY ${count} CONNECTIONS instead of ${wanted}: raise ulimit -n above ${wanted + OTHER_FILES}`)
  return count
}
