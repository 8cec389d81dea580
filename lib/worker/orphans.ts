import { sleep } from '../base/clock.js'
import type { JobRunParts } from './job-run.js'

const CHECK_MS = 500

/**
 * An attempt of a server that this worker no longer talks to: nobody renews its lease, so it is ended when that is
 * over. A result that nobody fetched stays, in case the server is named again.
 */
export async function guardOrphan(
  { files, machine, clock, log }: Pick<JobRunParts, 'files' | 'machine' | 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const { grant, server } = files.record
  log.warn('a job of a server that is not configured was found', { job: grant.job, server })
  if (!(await files.wasLaunched())) return files.remove()
  const shell = await machine.executor.adopt(files)
  const leaseEndBootMs = (await files.readLeaseEnd()) ?? 0
  const isOver = (): boolean => machine.bootClock.bootMs() >= leaseEndBootMs
  while (shell.isAlive() && !isOver()) await sleep(clock, CHECK_MS, signal)
  const wasKilled = shell.isAlive()
  if (wasKilled) shell.signal('SIGKILL')
  await shell.endTree()
  const { exitCode } = await shell.ended
  if (wasKilled || (exitCode === undefined && isOver())) await files.remove()
}
