import { readFileSync } from 'node:fs'

export interface ProcessStat {
  /** One letter, as ps shows it. Z and X: it is dead. */
  readonly state: string
  readonly group: number
  /** It is on its way out: it has no memory any more and starts nothing. */
  readonly isExiting: boolean
  /** Since the start of the machine, in 1/100 s: with the pid it names a process for good. */
  readonly startTicks: number
}

/** linux/sched.h */
const PF_EXITING = 4

/** Milliseconds of one tick: USER_HZ is 100 on every Linux that Node runs on. */
export const TICK_MS = 10

/** Undefined when there is no such process. PROC(5), /proc/pid/stat. */
export function readStat(pid: number): ProcessStat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The name stands in brackets and may hold anything, brackets and blanks too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    ...{ state: fields[0] ?? 'X', group: Number(fields[2]), startTicks: Number(fields[19]) },
    isExiting: (Number(fields[6]) & PF_EXITING) !== 0,
  }
}

/** Whether it is process 1 of a pid namespace below ours. PROC(5), /proc/pid/status. */
export function isNamespaceInit(pid: number): boolean {
  try {
    return /^NSpid:\t\d+(?:\t\d+)*\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

export function isAlive(pid: number, startTicks: number): boolean {
  const stat = readStat(pid)
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== 'Z' && stat.state !== 'X'
}

/** False when there is no such process any more, or it is not ours to signal. */
export function sendSignal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
