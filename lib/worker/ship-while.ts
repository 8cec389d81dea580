import { sleep } from '../base/clock.js'
import type { JobRunParts } from './job-run.js'
import { isCode } from './link.js'
import type { AttemptFiles } from './ports.js'
import type { Shipper } from './shipper.js'

const PAUSE_MS_MIN = 40
const PAUSE_MS_MAX = 500

/**
 * Ships the log of a job until it has ended, often when it grows and seldom when it is silent.
 * @param mayShip where the daemon's bytes end is known, and the link is up
 * @param onLimit told, once or more, when the job has written more than its log may have and is to be stopped for it
 */
export async function shipWhile(
  { files, clock, log }: JobRunParts,
  shipper: Shipper,
  { mayShip, onLimit }: { mayShip(): boolean; onLimit(): void },
  ended: AbortSignal,
): Promise<void> {
  const { job, logLimitBytes, onLogLimit } = files.record.grant
  for (let pauseMs = PAUSE_MS_MIN; ; ) {
    try {
      await sleep(clock, pauseMs, ended)
    } catch {
      return
    }
    if (onLogLimit === 'stop' && (await writtenBytes(files)) > logLimitBytes) onLimit()
    if (!mayShip()) continue
    try {
      const { grew } = await shipper.shipGrowth(ended)
      pauseMs = grew ? PAUSE_MS_MIN : Math.min(PAUSE_MS_MAX, pauseMs * 1.5)
    } catch (error) {
      if (isCode(error, 'E_LEASE_LOST') || ended.aborted) return
      log.warn('the log was not shipped; trying again', { job, cause: (error as Error).message })
      pauseMs = PAUSE_MS_MAX
    }
  }
}

const writtenBytes = async (files: AttemptFiles): Promise<number> =>
  (await files.streamBytes('stdout')) + (await files.streamBytes('stderr'))
