import type { Usage } from '../../../protocol/fields.js'
import type { Clock } from '../../base/clock.js'
import { parseTimes, pidsBelow, pidsOfCgroup, readCgroupUsage, sampleMemory } from '../tree/usage.js'
import type { LinuxAttempt } from './attempt-directory.js'

/** Who counts what the processes of one attempt use. */
export interface Accounts {
  readonly cgroup: string | undefined
  /** Takes what the cgroup has counted: to be called while it is there. */
  noteCgroup(): void
  /** The processes are ended: memory is looked at no more. */
  stop(): void
  /** What the cgroup counted, else what the wrapper has written down of its children, and the samples of memory. */
  read(): Promise<Usage>
}

/** @param pid of the attempt's shell; undefined when it is not known */
export function openAccounts(
  clock: Clock,
  files: LinuxAttempt,
  cgroup: string | undefined,
  pid: number | undefined,
): Accounts {
  let counted: Usage = {}
  const memory = sampleMemory(clock, () => {
    if (cgroup !== undefined) return pidsOfCgroup(cgroup)
    return pid === undefined ? [] : pidsBelow(pid)
  })
  return {
    cgroup,
    noteCgroup() {
      if (cgroup !== undefined) counted = { ...counted, ...readCgroupUsage(cgroup) }
    },
    stop: memory.stop,
    async read() {
      const peakBytes = memory.peakBytes()
      return {
        ...(peakBytes > 0 && { memoryPeakBytes: peakBytes }),
        ...(cgroup === undefined && parseTimes((await files.readLine('times')) ?? '')),
        ...counted,
      }
    },
  }
}
