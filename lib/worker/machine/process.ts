import { resolve } from 'node:path'
import type { TreeLayer } from '../../../protocol/fields.js'
import type { Clock } from '../../base/clock.js'
import type { Environment } from '../environment.js'
import type { AttemptFiles, BootClock, Executor, Shell, ShellEnd } from '../ports.js'
import { cgroupOf, emptyCgroup, endCgroup, makeCgroup } from '../tree/cgroup.js'
import { CookieScanner } from '../tree/cookie.js'
import { type Accounts, openAccounts } from './accounts.js'
import type { LinuxAttempt } from './attempt-directory.js'
import { attemptText, wrapperArgv } from './launch-text.js'
import type { PidNamespace } from './namespace.js'
import { sendSignal, TICK_MS } from './proc.js'
import { findShell, launchedShell, type ShellProcess, spawnShell } from './shell-process.js'
import type { WaitingShell, WaitingShells } from './waiting-shells.js'

/** The wrapper leaves with this, and without a word in `shell`, when it could not open its own files. */
const CANNOT_BEGIN = 125

export interface ExecutorParts {
  readonly clock: Clock
  readonly bootClock: BootClock
  readonly bootId: string
  /** Undefined: none is delegated, and the cookie has to do. */
  readonly cgroup: string | undefined
  /** Undefined: none is wanted, or none can be made. */
  readonly namespace: PidNamespace | undefined
  /** Undefined: shells are started directly. */
  readonly waitingShells: WaitingShells | undefined
  readonly attemptOf: (files: AttemptFiles) => LinuxAttempt
}

/** Runs attempts as processes of this machine. */
export function createExecutor(parts: ExecutorParts): Executor {
  const scanner = new CookieScanner(parts.clock)
  return {
    start: (files, environment) => start(parts, scanner, parts.attemptOf(files), environment),
    adopt: files => adopt(parts, scanner, parts.attemptOf(files)),
  }
}

async function start(
  parts: ExecutorParts,
  scanner: CookieScanner,
  files: LinuxAttempt,
  environment: Environment,
): Promise<Shell> {
  const startedAtBootMs = parts.bootClock.bootMs()
  const own = await commandOf(files)
  const command = parts.namespace?.(files.dir, own) ?? own
  const waiting = await parts.waitingShells?.take()
  const text = waiting && attemptText(environment, wrapperArgs(files, command, waiting.cgroup, files.name))
  if (text === undefined) waiting?.giveBack()
  const begun =
    waiting && text !== undefined
      ? await runWaiting(parts, scanner, files, waiting, text)
      : await startDirectly(parts, files, command, environment)
  return shellOf(parts, scanner, files, { ...begun, startedAtBootMs, isOurs: true })
}

type Begun = Pick<Held, 'shell' | 'cgroup'>

async function runWaiting(
  parts: ExecutorParts,
  scanner: CookieScanner,
  files: LinuxAttempt,
  waiting: WaitingShell,
  text: string,
): Promise<Begun> {
  const { cgroup } = waiting
  if (cgroup)
    await files.writeCgroup(cgroup).catch(error => {
      waiting.giveBack()
      throw error
    })
  try {
    const launching = await waiting.run(files.name, text)
    const shell = await launchedShell(parts.clock, launching, () => findShell(parts, scanner, files))
    return { shell, cgroup }
  } catch (error) {
    await endCgroupOf(parts, cgroup)
    throw error
  }
}

async function startDirectly(
  parts: ExecutorParts,
  files: LinuxAttempt,
  command: readonly string[],
  environment: Environment,
): Promise<Begun> {
  const cgroup = parts.cgroup && cgroupOf(parts.cgroup, files.name)
  if (cgroup) await files.writeCgroup(cgroup)
  try {
    if (cgroup) await makeCgroup(cgroup)
    const argv = wrapperArgv(wrapperArgs(files, command, cgroup, ''))
    return { shell: await spawnShell(argv, environment), cgroup }
  } catch (error) {
    await endCgroupOf(parts, cgroup)
    throw error
  }
}

/** @param tell what the lines begin with that it tells of itself; empty: nobody listens */
function wrapperArgs(
  { dir, workspaceDir, record }: LinuxAttempt,
  command: readonly string[],
  cgroup: string | undefined,
  tell: string,
): readonly string[] {
  const runDir = resolve(workspaceDir, record.grant.dir ?? '.')
  return [dir, runDir, record.grant.stderr, cgroup ?? '', tell, ...command]
}

async function adopt(parts: ExecutorParts, scanner: CookieScanner, files: LinuxAttempt): Promise<Shell> {
  const cgroup = (await files.readLine('cgroup')) ?? undefined
  const shell = await findShell(parts, scanner, files)
  const startedAtBootMs = shell?.begunAtBootMs ?? parts.bootClock.bootMs()
  return shellOf(parts, scanner, files, { shell, cgroup, startedAtBootMs, isOurs: false })
}

interface Held {
  readonly shell: ShellProcess | undefined
  readonly cgroup: string | undefined
  readonly startedAtBootMs: number
  /** This process has started it, and hears of its end at once. */
  readonly isOurs: boolean
}

function shellOf(parts: ExecutorParts, scanner: CookieScanner, files: LinuxAttempt, held: Held): Shell {
  const { shell, cgroup, startedAtBootMs, isOurs } = held
  const accounts = openAccounts(parts.clock, files, cgroup, shell?.pid)
  const isShellAlive = (): boolean => shell?.isAlive() === true
  const sinceTicks = isOurs ? Math.floor(startedAtBootMs / TICK_MS) - 1 : (shell?.startTicks ?? 0)
  // Only once after its end: when the group is gone for long, its number may be another's.
  let mayKillGroup: boolean = isOurs
  return {
    ...(shell && { pid: shell.pid }),
    startedAtBootMs,
    ended: endOf(files, shell),
    isAlive: isShellAlive,
    usage: accounts.read,
    signal(signal) {
      // A group is named by the pid of its leader, and while that lives the pid cannot be another's.
      if (shell && isShellAlive()) sendSignal(-shell.pid, signal)
    },
    async endTree() {
      accounts.stop()
      const isAlive = isShellAlive()
      // The group too: `env -i` sheds the cookie, but stays in the group unless it is given a new one.
      if (shell && (isAlive || mayKillGroup) && !(isOurs && cgroup)) sendSignal(-shell.pid, 'SIGKILL')
      mayKillGroup &&= isAlive
      return endTree(parts, scanner, files, accounts, sinceTicks)
    },
  }
}

/** The shell exits with the status that it wrote; when it was killed after that, the status counts. */
async function endOf(files: LinuxAttempt, shell: ShellProcess | undefined): Promise<ShellEnd> {
  const exitCode = (await shell?.gone) ?? readStatus(await files.readLine('status'))
  if (exitCode === undefined) return {}
  if (exitCode === CANNOT_BEGIN && (await files.readLine('shell')) === null) return { notStarted: true }
  return { exitCode }
}

/** A program for the wrapper: argv as it is, or the script as a file. */
async function commandOf(files: LinuxAttempt): Promise<readonly string[]> {
  const { command, script } = files.record.grant
  if (script === undefined) return command ?? []
  const path = await files.writeScript(script)
  return script.startsWith('#!') ? [path] : ['/bin/sh', path]
}

async function endTree(
  parts: ExecutorParts,
  scanner: CookieScanner,
  files: LinuxAttempt,
  { cgroup, noteCgroup }: Accounts,
  sinceTicks: number,
): Promise<TreeLayer | undefined> {
  if (cgroup) {
    if (!(await emptyCgroup(cgroup, parts.clock))) return undefined
    noteCgroup()
    files.removeAfter(endCgroup(cgroup, parts.clock))
    return 'cgroup'
  }
  const hasNamespace = (await files.readLine('namespace')) !== null
  if (hasNamespace && isWaitedFor(await files.readLine('status'))) return 'pid-namespace'
  // Process 1 of a namespace carries the cookie, and takes all with it that does not.
  const isClean = await scanner.killAll(files.record.cookie, sinceTicks)
  return isClean ? (hasNamespace ? 'pid-namespace' : 'cookie') : undefined
}

/**
 * Whether the shell saw the end of the job's namespace, and with it of every process in there. 137 may also tell that
 * what waited for it was killed.
 */
const isWaitedFor = (status: string | null): boolean => readStatus(status) !== undefined && status !== 'exit 137'

async function endCgroupOf(parts: ExecutorParts, cgroup: string | undefined): Promise<void> {
  if (cgroup) await endCgroup(cgroup, parts.clock)
}

/** Undefined for what is not exactly a whole status line. */
function readStatus(line: string | null): number | undefined {
  const digits = line === null ? undefined : /^exit (\d{1,3})$/.exec(line)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
