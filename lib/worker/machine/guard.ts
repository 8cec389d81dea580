import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../../base/clock.js'
import { environmentOfGuard } from '../environment.js'
import { isAlive, readStat } from './proc.js'

/** How often a worker that has started a guard looks whether it is still there. */
const CHECK_MS = 1_000

/** What ends the jobs of a state directory when their leases have passed, also when no worker process lives. */
export interface Guard {
  /** Resolves when a guard of this release is in charge. @throws Error when none could be started */
  ensure(): Promise<void>
  /** The directory has no worker from now on: the guard leaves when it has nothing left to guard. */
  release(): Promise<void>
}

/**
 * Starts guard.sh when it is first needed, and again whenever it is gone. Its text is read here and handed over by a
 * pipe: an upgrade may replace or remove the file at any time. To be called by who holds the lock of `dir`.
 */
export async function openGuard(dir: string, bootId: string, clock: Clock): Promise<Guard> {
  const script = readFileSync(new URL('./guard.sh', import.meta.url))
  const text = createHash('sha256').update(script).digest('hex').slice(0, 16)
  const workerFile = join(dir, 'worker')
  await writeFile(workerFile, `${process.pid} ${readStat(process.pid)?.startTicks ?? 0} ${bootId}\n`, { mode: 0o600 })
  let starting: Promise<void> | undefined
  let timer: Timer | undefined
  let isReleased: boolean = false

  const isInCharge = (): boolean => {
    const [pid, startTicks, boot, itsText] = readNote(dir)
    return boot === bootId && itsText === text && isAlive(Number(pid), Number(startTicks))
  }
  const check = (): void => {
    // What goes wrong here goes wrong again, and is told, when the next job is taken.
    if (!isInCharge()) ensure().catch(() => {})
    watch()
  }
  const watch = (): void => {
    timer = isReleased ? undefined : clock.after(CHECK_MS, check, { background: true })
  }
  const ensure = async (): Promise<void> => {
    if (isInCharge()) {
      if (!timer) watch()
      return
    }
    starting ??= start(script, dir, text).finally(() => {
      starting = undefined
    })
    await starting
    if (!timer) watch()
  }
  return {
    ensure,
    async release() {
      isReleased = true
      timer?.cancel()
      await starting?.catch(() => {})
      await rm(workerFile, { force: true })
    },
  }
}

/** Resolves when it has said that it is in charge. */
function start(script: Uint8Array, dir: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-s', '--', dir, text], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: environmentOfGuard(process.env),
    })
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`the guard of ${dir} left with ${code} before it was in charge`)))
    child.stdout.once('data', () => resolve())
    child.stdin.on('error', () => {})
    child.stdin.end(script)
    child.unref()
  })
}

/** Empty when there is none. */
function readNote(dir: string): readonly string[] {
  try {
    return readFileSync(join(dir, 'guard'), 'latin1').trim().split(' ')
  } catch {
    return []
  }
}
