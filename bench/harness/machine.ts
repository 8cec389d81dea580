import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { delimiter, join } from 'node:path'

/** What a figure depends on beside the code; never the name of the host. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly commit: string
}

export const thisMachine = (): Machine => ({
  cpu: cpus()[0]?.model ?? '?',
  cores: cpus().length,
  node: process.version,
  commit: commitOf(),
})

function commitOf(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '-uno') === '' ? '' : '+')
  } catch {
    return '?'
  }
}

/** Clock ticks of /proc, per second: USER_HZ is 100 on every Linux that runs this. */
const TICKS = 100

/** User and system time of a process so far, s; its children do not count. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Memory of a process that is resident now, or was at most, MiB. */
export function memoryOf(pid: number, which: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const [, kib = 'NaN'] =
    new RegExp(`^${which}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}

/** Undefined when PATH has no such program. */
export function inPath(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, program)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
