import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { inPath } from '../harness/machine.js'
import type { Scope } from '../harness/scope.js'

/** A queue of one user on one machine: no server that others can reach, no log that is sent anywhere. */
export const TASK_SPOOLER = 'task-spooler'
/** Debian calls it tsp, others ts. */
const program = (): string | undefined => inPath('tsp')
export const hasTaskSpooler = (): boolean => program() !== undefined

/** Jobs of `true` per second, each queued by a command of its own, until all have ended. */
export async function trueJobs(scope: Scope, count: number, slots: number): Promise<number> {
  const directory = scope.directory()
  const env = {
    ...process.env,
    ...{ TS_SOCKET: join(directory, 'socket'), TMPDIR: directory, TS_MAXFINISHED: String(2 * count) },
    ...{ TS_SLOTS: String(slots), TSP: program(), COUNT: String(count) },
  }
  const sh = (script: string): void => {
    const { status, stderr } = spawnSync('sh', ['-c', script], { env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`task-spooler: ${stderr}`)
  }
  sh('"$TSP" true >/dev/null; "$TSP" -w')
  scope.onEnd(() => sh('"$TSP" -K'))
  const startedAtMs = performance.now()
  sh('i=0; while [ $i -lt $COUNT ]; do "$TSP" true >/dev/null; i=$((i+1)); done')
  sh('while "$TSP" | grep -qE "queued|running"; do sleep 0.005; done')
  return count / ((performance.now() - startedAtMs) / 1000)
}
