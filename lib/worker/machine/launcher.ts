import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import type { Clock } from '../../base/clock.js'
import type { Environment } from '../environment.js'
import { seatTexts } from './launch-text.js'
import { readStat } from './proc.js'

/** What a shell tells of itself in a line: a word, and numbers. */
export type Listener = (word: string, first: number, second: number) => void

/**
 * One small shell, a session of its own, that starts the shells of attempts in place of this process: to fork a large
 * process takes its whole loop milliseconds, to write a line takes none. What it starts sits down at a seat, which is a
 * pipe from this process, and does what comes through there. It leaves with this process, and so does who still waits;
 * what runs goes on.
 */
export interface Launcher {
  /** Seats are numbered from 0. */
  readonly seatCount: number
  /** Fires when it is gone, or what it starts is never taken away: it must start nothing more. */
  readonly gone: AbortSignal
  /** Starts a shell that waits at `seat`, and tells "ready" with its pid and start, or "failed", under that name. */
  seat(seat: number, cgroup: string | undefined): void
  /** To the shell that waits there. */
  write(seat: number, text: string): void
  /** Calls `listener` with every line that begins with `name`, a word of its own. */
  listen(name: string, listener: Listener): void
  forget(name: string): void
  close(): Promise<void>
}

/** Absolute: util-linux. */
const SETSID = ['/usr/bin/setsid', '/bin/setsid']
const PROBE = 'echo "probe ended $$" >&3'
/** An orphan that has ended and is listed for so long has nobody who takes it away: so would all that are launched. */
const REAPED_MS = 10_000
/** Descriptors of the seats in the launcher: behind the one that shells tell by, and one digit each. */
const FIRST_SEAT = 4
const SEATS_MAX = 4

/**
 * Undefined where there is no setsid with --fork. Where nobody takes away ended processes that have lost their parent
 * (a container whose first process does not) it is gone as soon as that is seen.
 * @param environment of the launcher: what every job has too
 */
export async function openLauncher(
  clock: Clock,
  environment: Environment,
  seatsMax: number,
): Promise<Launcher | undefined> {
  const setsid = SETSID.find(path => existsSync(path))
  if (setsid === undefined) return undefined
  const descriptors = Array.from({ length: Math.min(seatsMax, SEATS_MAX) }, (_, seat) => FIRST_SEAT + seat)
  const child = spawn('/bin/sh', ['-s'], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore', 'ignore', ...descriptors.map(() => 'pipe' as const)],
    env: environment,
  })
  const seats = descriptors.map(descriptor => child.stdio[descriptor] as Writable)
  const listeners = new Map<string, Listener>()
  const gone = new AbortController()
  const leave = (): void => gone.abort('gone')
  followLines(child, listeners, leave)
  for (const seat of seats) seat.on('error', () => {})
  // Who waits ends with that, and who was told what to run has read it.
  const closeSeats = (): void => {
    for (const seat of seats) seat.end()
  }
  gone.signal.addEventListener('abort', closeSeats, { once: true })
  const probe = await probed(child, listeners, setsid, gone.signal)
  if (probe === undefined) return undefined
  for (const part of [child, ...child.stdio]) (part as { unref?(): void } | null)?.unref?.()
  const look = (): void => void (readStat(probe) && leave())
  const timer = clock.after(REAPED_MS, look, { background: true })
  return {
    seatCount: seats.length,
    gone: gone.signal,
    seat(seat, cgroup) {
      const { start, wait } = seatTexts(setsid, descriptors, seat, cgroup)
      child.stdin?.write(start)
      seats[seat]?.write(wait)
    },
    write: (seat, text) => void seats[seat]?.write(text),
    listen: (name, listener) => void listeners.set(name, listener),
    forget: name => void listeners.delete(name),
    async close() {
      timer.cancel()
      closeSeats()
      await end(child)
    },
  }
}

/** The number of a process that was launched and has ended; undefined when nothing can be launched. */
async function probed(
  child: ChildProcess,
  listeners: Map<string, Listener>,
  setsid: string,
  gone: AbortSignal,
): Promise<number | undefined> {
  const pid = await new Promise<number | undefined>(resolve => {
    gone.addEventListener('abort', () => resolve(undefined), { once: true })
    listeners.set('probe', (word, pid) => resolve(word === 'ended' ? pid : undefined))
    child.stdin?.write(`${setsid} --fork /bin/sh -c '${PROBE}' 3>&1 >/dev/null </dev/null || echo probe failed\n`)
  })
  listeners.delete('probe')
  if (pid === undefined) await end(child)
  return pid
}

/** Resolves when it has done what it was told, and is gone. What it has started goes on. */
async function end(child: ChildProcess): Promise<void> {
  child.ref()
  child.stdin?.end()
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  child.stdout?.destroy()
}

/** Tells the listeners what the lines say, and `leave` when the process is gone; what it has started goes on telling. */
function followLines(child: ChildProcess, listeners: ReadonlyMap<string, Listener>, leave: () => void): void {
  child.once('error', leave)
  child.once('exit', leave)
  child.stdin?.on('error', () => {})
  if (!child.stdout) return
  createInterface({ input: child.stdout }).on('line', line => {
    const [name = '', word = '', first, second] = line.split(' ')
    listeners.get(name)?.(word, Number(first), Number(second))
  })
}
