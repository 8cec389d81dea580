import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Timer } from '../../base/clock.js'
import { environmentOfGuard } from '../environment.js'
import { isAlive, readStat } from './proc.js'

const NOTE_BYTES = 80
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
export function openGuard(dir: string, bootId: string, clock: Clock): Guard {
  const script = readFileSync(new URL('./guard.sh', import.meta.url))
  const text = createHash('sha256').update(script).digest('hex').slice(0, 16)
  const own = `${process.pid} ${readStat(process.pid)?.startTicks ?? 0} ${bootId}`
  let isNoted = noteWorker(dir, own)
  let starting: Promise<void> | undefined
  let timer: Timer | undefined
  let isReleased: boolean = false

  const isInCharge = (): boolean => {
    const [pid, startTicks, boot, itsText] = readNote(dir)
    return boot === bootId && itsText === text && isAlive(Number(pid), Number(startTicks))
  }
  const check = (): void => {
    // What goes wrong here goes wrong again, and is told, when the next job is taken.
    timer = undefined
    ensure().catch(() => {})
  }
  const watch = (): void => {
    timer = isReleased ? undefined : clock.after(CHECK_MS, check, { background: true })
  }
  const ensure = async (): Promise<void> => {
    if (!timer) watch()
    if (!isNoted) isNoted = noteWorker(dir, own)
    if (isInCharge()) return
    starting ??= start(script, dir, text).finally(() => {
      starting = undefined
    })
    await starting
  }
  return {
    ensure,
    async release() {
      isReleased = true
      timer?.cancel()
      await starting?.catch(() => {})
      noteWorker(dir, '-')
    },
  }
}

/**
 * In place and always as long, so that it works on a full disk once it was there. False when it did not: a worker must
 * start there all the same, to deliver results; its guard may leave early then, and is started again.
 */
function noteWorker(dir: string, text: string): boolean {
  try {
    const fd = openSync(join(dir, 'worker'), constants.O_WRONLY | constants.O_CREAT, 0o600)
    try {
      writeSync(fd, `${text.padEnd(NOTE_BYTES)}\n`, 0)
    } finally {
      closeSync(fd)
    }
    return true
  } catch {
    return false
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
