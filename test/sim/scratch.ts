import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'

/** Memory where there is some: a simulated disk needs no real one. */
export function scratchDirectory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
