import { spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Scope } from './scope.js'

/** A file that jobs write to, and that tells at once when they do. */
export interface Fifo {
  readonly path: string
  /** When something is written next, by performance.now(). */
  written(): Promise<number>
}

export function openFifo(scope: Scope): Fifo {
  const path = join(scope.directory(), 'fifo')
  spawnSync('mkfifo', [path])
  const pipe = new Socket({ fd: openSync(path, 'r+') })
  scope.onEnd(() => void pipe.destroy())
  return { path, written: () => new Promise(resolve => pipe.once('data', () => resolve(performance.now()))) }
}
