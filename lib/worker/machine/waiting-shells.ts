import { type Clock, sleep } from '../../base/clock.js'
import { cgroupOf, endCgroup, makeCgroup } from '../tree/cgroup.js'
import type { Launcher } from './launcher.js'
import { isAlive } from './proc.js'
import { randomHex } from './state-directory.js'

/** What has begun, as the shell itself tells it. */
export interface Launched {
  readonly pid: number
  readonly startTicks: number
  /** Its status; pending for ever when it is killed before it can tell. */
  readonly ended: Promise<number>
  /** It is gone otherwise. */
  forget(): void
}

/** `failed`: nothing runs. `unknown`: nothing is heard of the shell, which may have begun all the same. */
export type Launching = Launched | 'failed' | 'unknown'

/** A shell that was started ahead of its attempt: it is in a session of its own, and in its cgroup. */
export interface WaitingShell {
  readonly cgroup: string | undefined
  /**
   * @param attempt names it in what the shell tells: no blank in it, and no number alone
   * @param text see attemptText
   */
  run(attempt: string, text: string): Promise<Launching>
  /** It goes on waiting, for another attempt. */
  giveBack(): void
}

export interface WaitingShells {
  /** The next one, which may have to be started first. Undefined: none can be had. */
  take(): Promise<WaitingShell | undefined>
  /** Those that wait end. */
  close(): Promise<void>
}

/** For a shell to say something, on a machine however busy. */
const HEARD_MS = 60_000
/** How often a shell is looked at that was told to begin. */
const LOOK_MS = 50

interface Parts {
  readonly clock: Clock
  readonly launcher: Launcher
  /** In which each shell gets its own; undefined: none is delegated. */
  readonly delegated: string | undefined
}

interface Seated {
  readonly seat: number
  readonly cgroup: string | undefined
  readonly pid: number
  readonly startTicks: number
}

/** One at each seat of the launcher, and the next one as soon as that has begun an attempt. */
export function createWaitingShells(parts: Parts): WaitingShells {
  const { launcher } = parts
  const waiting: Seated[] = []
  const wanting: ((shell: Seated | undefined) => void)[] = []
  const filling = new Set<Promise<void>>()
  let usedSeats = launcher.seatCount

  const offer = (shell: Seated): void => {
    const want = wanting.shift()
    if (want) want(shell)
    else waiting.push(shell)
  }
  const giveUp = (): void => {
    for (const want of wanting.splice(0)) want(undefined)
  }
  /** A seat at which no shell can be had, or at which a text may lie that nobody has read. */
  const lose = (): void => {
    usedSeats--
    if (usedSeats === 0) giveUp()
  }
  const fill = (seat: number): void => {
    const filled = seatShell(parts, seat).then(shell => (shell ? offer(shell) : lose()), lose)
    filling.add(filled)
    void filled.then(() => filling.delete(filled))
  }
  const take = async (): Promise<Seated | undefined> => {
    while (usedSeats > 0 && !launcher.gone.aborted) {
      const shell = waiting.shift() ?? (await new Promise<Seated | undefined>(resolve => wanting.push(resolve)))
      if (!shell || isAlive(shell.pid, shell.startTicks)) return shell
      await removeCgroup(parts, shell.cgroup)
      fill(shell.seat)
    }
    return undefined
  }
  launcher.gone.addEventListener('abort', giveUp, { once: true })
  for (let seat = 0; seat < launcher.seatCount; seat++) fill(seat)
  return {
    async take() {
      const shell = await take()
      if (!shell) return undefined
      return {
        cgroup: shell.cgroup,
        giveBack: () => offer(shell),
        async run(attempt, text) {
          const launching = await runAttempt(parts, shell, attempt, text)
          if (launching === 'unknown') lose()
          else fill(shell.seat)
          return launching
        },
      }
    },
    async close() {
      await launcher.close()
      await Promise.all(filling)
    },
  }
}

/** Undefined when none could be started. */
async function seatShell(parts: Parts, seat: number): Promise<Seated | undefined> {
  const { launcher, delegated } = parts
  const cgroup = delegated && cgroupOf(delegated, randomHex(6))
  if (cgroup) await makeCgroup(cgroup)
  const shell = launcher.gone.aborted ? undefined : await readyShell(parts, seat, cgroup)
  if (!shell) await removeCgroup(parts, cgroup)
  return shell
}

function readyShell({ launcher, clock }: Parts, seat: number, cgroup: string | undefined): Promise<Seated | undefined> {
  const name = String(seat)
  return new Promise(resolve => {
    const settle = (shell?: Seated): void => {
      timer.cancel()
      launcher.gone.removeEventListener('abort', leave)
      launcher.forget(name)
      resolve(shell)
    }
    const leave = (): void => settle()
    const timer = clock.after(HEARD_MS, leave, { background: true })
    launcher.gone.addEventListener('abort', leave, { once: true })
    launcher.listen(name, (word, pid, startTicks) =>
      settle(word === 'ready' ? { seat, cgroup, pid, startTicks } : undefined),
    )
    launcher.seat(seat, cgroup)
  })
}

function runAttempt(
  { launcher, clock }: Parts,
  { seat, pid, startTicks }: Seated,
  attempt: string,
  text: string,
): Promise<Launching> {
  return new Promise(resolve => {
    const heard = new AbortController()
    const settle = (launching: Launching): void => {
      heard.abort('it was heard of')
      resolve(launching)
    }
    const forget = (): void => launcher.forget(attempt)
    const ended = new Promise<number>(resolveEnded =>
      launcher.listen(attempt, (word, status) => {
        if (word === 'begun') return settle({ pid, startTicks, ended, forget })
        forget()
        if (word === 'ended') resolveEnded(status)
        else settle('failed')
      }),
    )
    launcher.write(seat, text)
    const watch = async (): Promise<void> => {
      const giveUpAtMs = clock.monotonicMs() + HEARD_MS
      while (isAlive(pid, startTicks) && clock.monotonicMs() < giveUpAtMs) await sleep(clock, LOOK_MS, heard.signal)
      // What it has said at its end may still be on its way.
      await sleep(clock, LOOK_MS, heard.signal)
      settle('unknown')
    }
    watch().catch(() => {})
  })
}

async function removeCgroup({ clock }: Parts, cgroup: string | undefined): Promise<void> {
  if (cgroup) await endCgroup(cgroup, clock)
}
