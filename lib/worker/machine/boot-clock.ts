import { Buffer } from 'node:buffer'
import { openSync, readFileSync, readSync } from 'node:fs'
import type { BootClock } from '../ports.js'

/**
 * Reads /proc/uptime, which counts while the machine sleeps (process.hrtime does not) and never steps. 10 ms steps.
 * Synchronous on purpose: the time of a beat is taken in the same turn in which it is sent, and procfs has no disk.
 */
export function openBootClock(): BootClock {
  const fd = openSync('/proc/uptime', 'r')
  const buffer = Buffer.alloc(64)
  return {
    bootMs() {
      const bytes = readSync(fd, buffer, 0, buffer.length, 0)
      return Math.round(Number.parseFloat(buffer.toString('latin1', 0, bytes)) * 1_000)
    },
  }
}

/** Changes with every start of the machine. */
export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
