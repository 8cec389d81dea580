import { readdirSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { readStat, sendSignal } from '../../lib/worker/machine/proc.js'

let marks = 0

/**
 * A duration for `sleep`, ten minutes, that no other test sleeps: it tells a process that has shed its environment.
 * What is left is killed at the end of the test.
 */
export function newMark(t: Test): string {
  const mark = `600.${String(process.pid).padStart(7, '0')}${String(++marks).padStart(3, '0')}`
  t.teardown(() => {
    for (const pid of processesNaming(mark)) sendSignal(pid, 'SIGKILL')
  })
  return mark
}

/** Everything that a job can do to get away from its end, but for shedding the cookie. */
export const getaway = (mark: string): string => `
sleep ${mark} &
( ( sleep ${mark} & ) & )
setsid sh -c 'sleep ${mark} & (sleep ${mark} &) ; sleep ${mark}' &
(trap "" TERM HUP INT; sleep ${mark}) &
setsid sh -c 'for i in $(seq 200); do sleep ${mark} & sleep 0.05; done' &
`
/** What only a cgroup or a namespace holds. */
export const shedding = (mark: string): string => `env -i setsid /bin/sh -c 'sleep ${mark} & sleep ${mark}' &\n`

/** Processes that run and have the text among their arguments, or in their environment as it was when they began. */
export function processesNaming(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && (has(name, 'cmdline', text) || has(name, 'environ', text)))
    .map(Number)
    .filter(pid => pid !== process.pid && !['Z', 'X'].includes(readStat(pid)?.state ?? 'X'))
}

function has(pid: string, file: 'cmdline' | 'environ', text: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text)
  } catch {
    return false
  }
}
