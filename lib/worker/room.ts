import { type Clock, sleep } from '../base/clock.js'
import type { Log } from '../base/log.js'
import type { Machine } from './ports.js'

/** A job that cannot write a line is better left to another worker. */
const FREE_BYTES_MIN = 1024 * 1024
const LOOK_MS = 1_000

/** Resolves when there is room for another attempt, at once when there is, or when `signal` fires. */
export async function roomForMore(machine: Machine, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  if (!machine.freeBytes) return
  for (let looks = 0; machine.freeBytes() < FREE_BYTES_MIN && !signal.aborted; looks++) {
    if (looks === 0) log.warn('the disk of the state directory is full: no job is asked for')
    await sleep(clock, LOOK_MS, signal).catch(() => {})
  }
}
