import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Usage } from '../../../protocol/fields.js'
import type { Clock, Timer } from '../../base/clock.js'

/** The first look at a job's memory, and the longest time between two: they get rarer as the job gets older. */
const SAMPLE_MS_MIN = 50
const SAMPLE_MS_MAX = 2_000

/** What the kernel has counted for a cgroup; memory.peak is there only where the memory controller is (Linux 5.19). */
export function readCgroupUsage(dir: string): Usage {
  const stat = read(join(dir, 'cpu.stat'))
  const user = /^user_usec (\d+)$/m.exec(stat)?.[1]
  const system = /^system_usec (\d+)$/m.exec(stat)?.[1]
  const peak = /^\d+/.exec(read(join(dir, 'memory.peak')))?.[0]
  return {
    ...(user !== undefined && system !== undefined && { cpuUserMs: msOf(user), cpuSystemMs: msOf(system) }),
    ...(peak !== undefined && { memoryPeakBytes: Number(peak) }),
  }
}

/** What `times` of a shell prints: two lines, its own times and those of the children that it has waited for. */
export function parseTimes(text: string): Usage {
  const seconds = [...text.matchAll(/(\d+)m(\d+(?:\.\d+)?)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  )
  const [user, system, userOfChildren, systemOfChildren] = seconds
  if (user === undefined || system === undefined || userOfChildren === undefined || systemOfChildren === undefined)
    return {}
  return {
    cpuUserMs: Math.round((user + userOfChildren) * 1_000),
    cpuSystemMs: Math.round((system + systemOfChildren) * 1_000),
  }
}

/**
 * Looks at the memory of processes now and then, and keeps the most: of all together at one look, or of one of them
 * ever. A job that is over before the first look shows none.
 */
export function sampleMemory(clock: Clock, pids: () => readonly number[]): { stop(): void; peakBytes(): number } {
  let peakBytes = 0
  let timer: Timer | undefined
  const look = (afterMs: number): void => {
    timer = clock.after(
      afterMs,
      () => {
        let sumBytes = 0
        for (const pid of pids()) {
          const status = read(`/proc/${pid}/status`)
          sumBytes += kibOf(status, 'VmRSS') * 1024
          peakBytes = Math.max(peakBytes, kibOf(status, 'VmHWM') * 1024)
        }
        peakBytes = Math.max(peakBytes, sumBytes)
        look(Math.min(SAMPLE_MS_MAX, afterMs * 2))
      },
      { background: true },
    )
  }
  look(SAMPLE_MS_MIN)
  return { stop: () => timer?.cancel(), peakBytes: () => peakBytes }
}

export const pidsOfCgroup = (dir: string): readonly number[] => numbers(read(join(dir, 'cgroup.procs')))

/** A process and everything below it. What has lost its parent is not seen. */
export function pidsBelow(root: number): readonly number[] {
  const found = [root]
  for (let index = 0; index < found.length; index++) found.push(...childrenOf(found[index] as number))
  return found
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(task => numbers(read(`/proc/${pid}/task/${task}/children`)))
  } catch {
    return []
  }
}

const numbers = (text: string): readonly number[] => text.split(/\s+/).filter(Boolean).map(Number)
const msOf = (microseconds: string): number => Math.round(Number(microseconds) / 1_000)
const kibOf = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)

/** Empty when it is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
