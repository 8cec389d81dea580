import { accessSync, constants, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory in memory where there is some: a simulated disk needs no real one. The caller removes it. */
export const makeScratch = (): string =>
  mkdtempSync(join(isWritable('/dev/shm') ? '/dev/shm' : tmpdir(), 'jankins-sim-'))

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}
