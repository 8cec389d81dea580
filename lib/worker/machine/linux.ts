import { statfsSync } from 'node:fs'
import { loadavg } from 'node:os'
import type { TreeLayer } from '../../../protocol/fields.js'
import type { Clock } from '../../base/clock.js'
import type { Log } from '../../base/log.js'
import { environmentOfGuard } from '../environment.js'
import type { Machine } from '../ports.js'
import { findDelegatedCgroup } from '../tree/cgroup.js'
import type { LinuxAttempt } from './attempt-directory.js'
import { openBootClock, readBootId } from './boot-clock.js'
import { openLauncher } from './launcher.js'
import { findPidNamespace } from './namespace.js'
import { createExecutor } from './process.js'
import { openStateDirectory, randomHex } from './state-directory.js'
import { createWaitingShells } from './waiting-shells.js'

export interface MachineOptions {
  readonly stateDir: string
  readonly clock: Clock
  /** Told of what an earlier process left and nobody can remove; nobody is by default. */
  readonly log?: Log
  /** False leaves a delegated cgroup unused. */
  readonly useCgroup?: boolean
  /** True runs each job in a pid namespace of its own, where there is no cgroup and one can be made. */
  readonly usePidNamespace?: boolean
  /** Shells that are started ahead of their jobs; 0: each when it is needed, by this process, for a worker that runs one. */
  readonly shellsAhead?: number
}

export interface LinuxMachine extends Machine {
  /** What makes sure that nothing of a job is left. */
  readonly treeLayer: TreeLayer
  release(): Promise<void>
}

/**
 * This machine, with the state directory locked until `release`.
 * @throws StateDirectoryBusyError
 */
export async function openMachine(options: MachineOptions): Promise<LinuxMachine> {
  const { stateDir, clock, log, useCgroup = true, usePidNamespace = false, shellsAhead = 0 } = options
  const bootClock = openBootClock()
  const bootId = readBootId()
  const state = await openStateDirectory(stateDir, bootId, clock, log)
  const cgroup = useCgroup ? await findDelegatedCgroup() : undefined
  const namespace = usePidNamespace && cgroup === undefined ? await findPidNamespace() : undefined
  const launcher = shellsAhead > 0 ? await openLauncher(clock, environmentOfGuard(process.env), shellsAhead) : undefined
  const waitingShells = launcher && createWaitingShells({ clock, launcher, delegated: cgroup })
  return {
    treeLayer: cgroup !== undefined ? 'cgroup' : namespace ? 'pid-namespace' : 'cookie',
    bootClock,
    attempts: state,
    executor: createExecutor({
      clock,
      bootClock,
      bootId,
      cgroup,
      namespace,
      waitingShells,
      attemptOf: files => files as LinuxAttempt,
    }),
    freeBytes() {
      const { bavail, bsize } = statfsSync(stateDir)
      return bavail * bsize
    },
    load: () => loadavg()[0] ?? 0,
    random: randomHex,
    async release() {
      await waitingShells?.close()
      await state.release()
    },
  }
}
