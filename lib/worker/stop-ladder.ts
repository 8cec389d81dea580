import { type Clock, sleep } from '../base/clock.js'
import type { AttemptFiles, Ending, Shell } from './ports.js'

/**
 * SIGTERM to the job's group, its grace, SIGKILL, then everything that is left. Each rung is noted before it is taken,
 * so that a later worker process tells the same end; a full disk, where it cannot be noted, does not save the job.
 * @param tell is told of each rung
 */
export async function climbStopLadder(
  shell: Shell,
  files: AttemptFiles,
  clock: Clock,
  reason: Ending['reason'],
  tell: (ending: Ending) => void,
): Promise<void> {
  const isGone = new AbortController()
  void shell.ended.then(() => isGone.abort('gone'))
  const take = async (signal: Ending['signal']): Promise<void> => {
    await files.writeEnding({ reason, signal }).catch(() => {})
    if (!shell.isAlive()) return
    tell({ reason, signal })
    shell.signal(signal)
  }
  await take('SIGTERM')
  try {
    await sleep(clock, files.record.grant.graceMs, isGone.signal)
  } catch {
    return
  }
  await take('SIGKILL')
  await shell.endTree()
}
