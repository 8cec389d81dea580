import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Clock, sleep } from '../../base/clock.js'
import type { Environment } from '../environment.js'
import type { CookieScanner } from '../tree/cookie.js'
import type { LinuxAttempt } from './attempt-directory.js'
import { isAlive, TICK_MS } from './proc.js'
import type { Launching } from './waiting-shells.js'

/** The process of an attempt's shell, however it came to be. */
export interface ShellProcess {
  readonly pid: number
  /** Missing for a child of ours. */
  readonly startTicks?: number
  /** When the attempt began, of one that was found. */
  readonly begunAtBootMs?: number
  isAlive(): boolean
  /** Resolves when it is gone, with its exit status; undefined: its file tells it, or it was killed. */
  readonly gone: Promise<number | undefined>
}

/** How often a shell is looked at that is not our child, and so may be killed without anybody telling us. */
const LOOK_MS = 50
/** A shell that is not on record gets this long to say who it is. */
const UNKNOWN_SHELL_MS = 2_000

/** Starts it as a child of this process. @throws Error when it could not be started */
export async function spawnShell(argv: readonly string[], env: Environment): Promise<ShellProcess> {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { cwd: '/', detached: true, stdio: 'ignore', env })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const { pid } = child
  if (pid === undefined) {
    await exited // 'error' comes instead of 'exit', and once() throws it
    throw new Error('the shell was not started')
  }
  child.unref()
  let isGone: boolean = false
  const gone = exited.then(([code]) => {
    isGone = true
    return code ?? undefined
  })
  return { pid, isAlive: () => !isGone, gone }
}

/**
 * The shell that was told to begin.
 * @param find looks for a shell of which nobody knows whether it has begun
 * @throws Error when it did not begin
 */
export async function launchedShell(
  clock: Clock,
  launching: Launching,
  find: () => Promise<ShellProcess | undefined>,
): Promise<ShellProcess> {
  if (launching === 'failed') throw new Error('the shell could not begin')
  if (launching !== 'unknown') return follow(clock, launching, launching)
  const found = await find()
  if (!found) throw new Error('the shell went before it had begun')
  return found
}

/**
 * Finds the shell that another process has started. Undefined: it is gone, or belongs to another life of the machine;
 * it does not begin later either.
 */
export async function findShell(
  { clock, bootId }: { readonly clock: Clock; readonly bootId: string },
  scanner: CookieScanner,
  files: LinuxAttempt,
): Promise<ShellProcess | undefined> {
  const giveUpAtMs = clock.monotonicMs() + UNKNOWN_SHELL_MS
  for (;;) {
    const line = await files.readLine('shell')
    if (line !== null) {
      const [pid, startTicks, itsBootId, begunAt] = line.split(' ')
      if (itsBootId !== bootId) return undefined
      // A shell of a release before this one began when it started.
      const begunAtBootMs = begunAt === undefined ? Number(startTicks) * TICK_MS : Number(begunAt) * 1000
      return { ...follow(clock, { pid: Number(pid), startTicks: Number(startTicks) }), begunAtBootMs }
    }
    const isLate = clock.monotonicMs() > giveUpAtMs
    // Barred too late, it has begun without a word about itself, as on a full disk: its cookie tells of it.
    if (isLate || !(await scanner.isAnyLeft(files.record.cookie))) {
      if ((await files.barShell()) || isLate) return undefined
    }
    await sleep(clock, LOOK_MS)
  }
}

function follow(
  clock: Clock,
  { pid, startTicks }: { readonly pid: number; readonly startTicks: number },
  told?: { readonly ended: Promise<number>; forget(): void },
): ShellProcess {
  let isGone: boolean = false
  const over = new AbortController()
  const watch = async (): Promise<undefined> => {
    while (isAlive(pid, startTicks)) await sleep(clock, LOOK_MS, over.signal)
    told?.forget()
    isGone = true
  }
  const heard = told?.ended.then(status => {
    isGone = true
    over.abort('told')
    return status
  })
  const watched = watch().catch(() => undefined)
  return {
    pid,
    startTicks,
    isAlive: () => !isGone && isAlive(pid, startTicks),
    gone: heard === undefined ? watched : Promise.race([heard, watched]),
  }
}
