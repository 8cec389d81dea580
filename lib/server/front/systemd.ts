import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Clock, Timer } from '../../base/clock.js'
import type { Log } from '../../base/log.js'

/** Without a watchdog: how often the status is told anew. */
const STATUS_MS = 30_000
/** Tries in the time that the watchdog gives: one may be late on a busy machine. */
const TRIES = 3

/** What the status line says. */
export interface Vitals {
  readonly connections: number
  readonly pending: number
  readonly running: number
}

/**
 * Tells systemd what it has asked for by NOTIFY_SOCKET, sd_notify(3): resolves when it is told. By a command of 4 to
 * 8 ms: node cannot send datagrams to a socket of the file system.
 */
export async function tellSystemd(...variables: readonly string[]): Promise<void> {
  if (!process.env.NOTIFY_SOCKET) return
  // As variables: the flag --stopping is newer than the oldest systemd in use.
  const child = spawn('systemd-notify', variables, { stdio: 'ignore' })
  // A missing command is no reason to end: systemd then waits in vain and says so.
  await once(child, 'exit').catch(() => {})
}

/** sd_notify(3): a reload is timed by CLOCK_MONOTONIC, which is what Clock.monotonicMs counts. */
export const tellReloading = (clock: Clock): Promise<void> =>
  tellSystemd('RELOADING=1', `MONOTONIC_USEC=${Math.floor(clock.monotonicMs() * 1_000)}`)

export interface SupervisedParts {
  readonly environment: NodeJS.ProcessEnv
  readonly pid: number
  readonly clock: Clock
  readonly log: Log
  tell(...variables: readonly string[]): Promise<void>
  /** Resolves only when every thread has answered. */
  look(): Promise<Vitals>
}

/**
 * Tells systemd from time to time how it goes, and that all goes on where the unit has a watchdog: a thread that does
 * not answer keeps the word back, and systemd starts the daemon anew.
 */
export function stayWatched({ environment, pid, clock, log, tell, look }: SupervisedParts): { stop(): void } {
  const periodMs = watchdogMs(environment, pid)
  let timer: Timer | undefined
  let isStopped: boolean = environment.NOTIFY_SOCKET === undefined || environment.NOTIFY_SOCKET === ''
  const next = (): void => {
    if (!isStopped)
      timer = clock.after(periodMs === undefined ? STATUS_MS : periodMs / TRIES, beat, { background: true })
  }
  const beat = (): void => {
    look()
      .then(vitals =>
        isStopped ? undefined : tell(statusOf(vitals), ...(periodMs === undefined ? [] : ['WATCHDOG=1'])),
      )
      .catch(error => log.warn('systemd was not told how it goes', { reason: String(error) }))
      .finally(next)
  }
  if (!isStopped) beat()
  return {
    stop() {
      isStopped = true
      timer?.cancel()
    },
  }
}

/** sd_watchdog_enabled(3): undefined when there is none, or it is for another process. */
export function watchdogMs(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID = String(pid) } = environment
  const periodMs = Number(WATCHDOG_USEC ?? 0) / 1_000
  return periodMs > 0 && WATCHDOG_PID === String(pid) ? periodMs : undefined
}

const statusOf = ({ connections, pending, running }: Vitals): string =>
  `STATUS=${connections} connections; ${running} jobs running, ${pending} waiting`
