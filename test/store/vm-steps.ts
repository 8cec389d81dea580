import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Handle } from '../../lib/store/sqlite/database.js'

const SOURCE = fileURLToPath(new URL('./vm-steps.c', import.meta.url))

/**
 * Makes `handle` count the instructions of SQLite's machine; needs the C compiler that installing the project needs too.
 * @returns runs `work` and tells how many it took
 */
export function countSteps(handle: Handle, dir: string): (work: () => unknown) => number {
  const package_ = dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json'))
  const library = join(dir, 'vm-steps.so')
  execFileSync('cc', ['-shared', '-fPIC', '-I', join(package_, 'deps', 'sqlite3'), '-o', library, SOURCE])
  handle.db.loadExtension(library)
  const read = () => (handle.sql<{ steps: number }>('SELECT vm_steps() AS steps').get() as { steps: number }).steps
  return work => {
    read()
    work()
    return read()
  }
}
