import { statfsSync } from 'node:fs'
import { loadavg } from 'node:os'
import type { Clock } from '../../base/clock.js'
import type { Machine } from '../ports.js'
import { findDelegatedCgroup } from '../tree/cgroup.js'
import type { LinuxAttempt } from './attempt-directory.js'
import { openBootClock, readBootId } from './boot-clock.js'
import { createExecutor } from './process.js'
import { openStateDirectory, randomHex } from './state-directory.js'

export interface MachineOptions {
  readonly stateDir: string
  readonly clock: Clock
  /** False leaves a delegated cgroup unused. */
  readonly useCgroup?: boolean
}

/**
 * This machine, with the state directory locked until `release`.
 * @throws StateDirectoryBusyError
 */
export async function openMachine(options: MachineOptions): Promise<Machine & { release(): Promise<void> }> {
  const { stateDir, clock, useCgroup = true } = options
  const bootClock = openBootClock()
  const bootId = readBootId()
  const state = await openStateDirectory(stateDir, bootId, clock)
  const cgroup = useCgroup ? await findDelegatedCgroup() : undefined
  return {
    bootClock,
    attempts: state,
    executor: createExecutor({
      clock,
      bootClock,
      bootId,
      cgroup,
      attemptOf: files => files as LinuxAttempt,
    }),
    freeBytes() {
      const { bavail, bsize } = statfsSync(stateDir)
      return bavail * bsize
    },
    load: () => loadavg()[0] ?? 0,
    random: randomHex,
    release: () => state.release(),
  }
}
