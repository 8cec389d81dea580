import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Clock } from '../../base/clock.js'
import type { Environment } from '../environment.js'
import { type Launch, launchText } from './launch-text.js'
import { readStat } from './proc.js'

/** What the launcher has started, as the started shell itself tells it. */
export interface Launched {
  readonly pid: number
  readonly startTicks: number
  /** Its status; pending for ever when it is killed before it can tell. */
  readonly ended: Promise<number>
  /** It is gone otherwise. */
  forget(): void
}

/** `failed`: nothing runs. `unknown`: the launcher is gone, or says nothing; the shell may run all the same. */
export type Launching = Launched | 'failed' | 'unknown'

/**
 * One small shell, a session of its own, that starts the shells of attempts in place of this process: to fork a large
 * process takes its whole loop milliseconds, to write a line takes none. It leaves with this process, and what it has
 * started goes on.
 */
export interface Launcher {
  /** Undefined: it cannot start this, or nothing any more, and has done nothing. */
  launch(launch: Launch): Promise<Launching> | undefined
  close(): Promise<void>
}

/** Absolute: util-linux. */
const SETSID = ['/usr/bin/setsid', '/bin/setsid']
const PROBE = 'echo "probe begun $$ 0" >&3'
/** An orphan that has ended and is listed for so long has nobody who takes it away: so would all that are launched. */
const REAPED_MS = 10_000
/** For a shell to say that it has begun, on a machine however busy. */
const BEGUN_MS = 60_000

interface Listener {
  begun(pid: number, startTicks: number): void
  ended(status: number): void
  failed(): void
}

/**
 * Undefined where there is no setsid with --fork. Where nobody takes away ended processes that have lost their parent
 * (a container whose first process does not) it starts nothing more as soon as that is seen.
 * @param environment of the launcher: what every job has too
 */
export async function openLauncher(clock: Clock, environment: Environment): Promise<Launcher | undefined> {
  const setsid = SETSID.find(path => existsSync(path))
  if (setsid === undefined) return undefined
  const child = spawn('/bin/sh', ['-s'], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: environment,
  })
  const listeners = new Map<string, Listener>()
  const isGone = followLines(child, listeners)
  const launcher = launcherOf(clock, child, setsid, listeners, isGone)
  const probe = await launcher.launch({ name: 'probe', argv: ['/bin/sh', '-c', PROBE], environment })
  if (probe === undefined || typeof probe === 'string') {
    await launcher.close()
    return undefined
  }
  for (const part of [child, child.stdin, child.stdout]) (part as { unref?(): void }).unref?.()
  let isReaped: boolean = true
  const look = (): void => {
    isReaped = readStat(probe.pid) === undefined
  }
  const timer = clock.after(REAPED_MS, look, { background: true })
  return {
    launch: launch => (isReaped ? launcher.launch(launch) : undefined),
    close() {
      timer.cancel()
      return launcher.close()
    },
  }
}

function launcherOf(
  clock: Clock,
  child: ChildProcess,
  setsid: string,
  listeners: Map<string, Listener>,
  gone: AbortSignal,
): Launcher {
  return {
    launch(launch) {
      const text = gone.aborted ? undefined : launchText(setsid, launch)
      if (text === undefined) return undefined
      return new Promise(resolve => {
        const timer = clock.after(BEGUN_MS, () => resolve('unknown'))
        const forget = (): void => void listeners.delete(launch.name)
        const ended = new Promise<number>(resolveEnded => {
          const settle = (launching: Launching): void => {
            timer.cancel()
            gone.removeEventListener('abort', lose)
            resolve(launching)
          }
          const lose = (): void => settle('unknown')
          gone.addEventListener('abort', lose, { once: true })
          listeners.set(launch.name, {
            begun: (pid, startTicks) => settle({ pid, startTicks, ended, forget }),
            ended: status => {
              forget()
              resolveEnded(status)
            },
            failed: () => {
              forget()
              settle('failed')
            },
          })
        })
        child.stdin?.write(text)
      })
    },
    async close() {
      child.ref()
      child.stdin?.end()
      if (!gone.aborted) await once(gone, 'abort')
      child.stdout?.destroy()
    },
  }
}

/** Tells the listeners what the lines say. Fires when the process is gone; what it has started goes on telling. */
function followLines(child: ChildProcess, listeners: Map<string, Listener>): AbortSignal {
  const gone = new AbortController()
  const leave = (): void => gone.abort('gone')
  child.once('error', leave)
  child.once('exit', leave)
  child.stdin?.on('error', () => {})
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', line => {
      const [name = '', what, first, second] = line.split(' ')
      const listener = listeners.get(name)
      if (what === 'begun') listener?.begun(Number(first), Number(second))
      else if (what === 'ended') listener?.ended(Number(first))
      else if (what === 'failed') listener?.failed()
    })
  return gone.signal
}
