import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TreeLayer } from '../../../protocol/fields.js'
import { type Clock, sleep } from '../../base/clock.js'
import type { AttemptFiles, BootClock, Executor, Shell, ShellEnd } from '../ports.js'
import { cgroupOf, endCgroup, makeCgroup } from '../tree/cgroup.js'
import { CookieScanner } from '../tree/cookie.js'
import { type Accounts, openAccounts } from './accounts.js'
import type { LinuxAttempt } from './attempt-directory.js'
import type { PidNamespace } from './namespace.js'
import { isAlive, sendSignal, TICK_MS } from './proc.js'

const WRAPPER = fileURLToPath(new URL('./wrapper.sh', import.meta.url))
/** The wrapper leaves with this, and without a word in `shell`, when it could not open its own files. */
const CANNOT_BEGIN = 125
/** How often the shell of an earlier worker process is looked at: it is not our child, so nobody tells us. */
const ADOPTED_POLL_MS = 50
/** An adopted attempt without a shell on record gets this long to say who it is. */
const UNKNOWN_SHELL_MS = 2_000

export interface ExecutorParts {
  readonly clock: Clock
  readonly bootClock: BootClock
  readonly bootId: string
  /** Undefined: none is delegated, and the cookie has to do. */
  readonly cgroup: string | undefined
  /** Undefined: none is wanted, or none can be made. */
  readonly namespace: PidNamespace | undefined
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
  environment: Readonly<Record<string, string>>,
): Promise<Shell> {
  const { grant } = files.record
  const cgroup = parts.cgroup && cgroupOf(parts.cgroup, files.name)
  if (cgroup) {
    await files.writeCgroup(cgroup)
    makeCgroup(cgroup)
  }
  const runDir = resolve(files.workspaceDir, grant.dir ?? '.')
  const own = await commandOf(files)
  const command = parts.namespace?.(files.dir, own) ?? own
  const startedAtBootMs = parts.bootClock.bootMs()
  const child = spawn('/bin/sh', [WRAPPER, files.dir, runDir, grant.stderr, cgroup ?? '', ...command], {
    cwd: files.dir,
    detached: true,
    stdio: 'ignore',
    env: environment,
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const pid = child.pid
  if (pid === undefined) {
    // 'error' comes instead of 'exit', and once() hands it on.
    await exited.catch((error: unknown) => endCgroupOf(parts, cgroup).then(() => Promise.reject(error)))
    throw new Error('the shell was not started')
  }
  child.unref()
  const accounts = openAccounts(parts.clock, files, cgroup, pid)
  let isGone: boolean = false
  let groupKilled: boolean = false
  const ended = exited.then(async ([code]): Promise<ShellEnd> => {
    isGone = true
    // The shell exits with the status that it wrote; when it was killed after that, the status counts.
    const exitCode = code ?? readStatus(await files.readLine('status'))
    if (exitCode === undefined) return {}
    if (exitCode === CANNOT_BEGIN && (await files.readLine('shell')) === null) return { notStarted: true }
    return { exitCode }
  })
  return {
    pid,
    startedAtBootMs,
    ended,
    isAlive: () => !isGone,
    signal(signal) {
      if (!isGone) sendSignal(-pid, signal)
    },
    usage: accounts.read,
    async endTree() {
      accounts.stop()
      // The group too: `env -i` sheds the cookie, but stays in the group unless it is given a new one.
      // Only once: when the group is gone for long, its number may be another's.
      if (!cgroup && (!isGone || !groupKilled)) sendSignal(-pid, 'SIGKILL')
      groupKilled = isGone
      return endTree(parts, scanner, files, accounts, Math.floor(startedAtBootMs / TICK_MS) - 1)
    },
  }
}

async function adopt(parts: ExecutorParts, scanner: CookieScanner, files: LinuxAttempt): Promise<Shell> {
  const { clock } = parts
  const cgroup = (await files.readLine('cgroup')) ?? undefined
  const shell = await findShell(parts, scanner, files)
  const accounts = openAccounts(parts.clock, files, cgroup, shell?.pid)
  const isShellAlive = (): boolean => shell !== undefined && isAlive(shell.pid, shell.startTicks)
  const follow = async (): Promise<ShellEnd> => {
    while (isShellAlive()) await sleep(clock, ADOPTED_POLL_MS)
    const status = readStatus(await files.readLine('status'))
    return status === undefined ? {} : { exitCode: status }
  }
  return {
    ...(shell && { pid: shell.pid }),
    startedAtBootMs: shell ? shell.startTicks * TICK_MS : parts.bootClock.bootMs(),
    ended: follow(),
    isAlive: isShellAlive,
    usage: accounts.read,
    signal(signal) {
      // A group is named by the pid of its leader, and while that lives the pid cannot be another's.
      if (shell && isShellAlive()) sendSignal(-shell.pid, signal)
    },
    async endTree() {
      accounts.stop()
      if (shell && isShellAlive()) sendSignal(-shell.pid, 'SIGKILL')
      return endTree(parts, scanner, files, accounts, shell?.startTicks ?? 0)
    },
  }
}

/** Undefined: it is gone, or belongs to another life of the machine. */
async function findShell(
  parts: ExecutorParts,
  scanner: CookieScanner,
  files: LinuxAttempt,
): Promise<{ pid: number; startTicks: number } | undefined> {
  const giveUpAtMs = parts.clock.monotonicMs() + UNKNOWN_SHELL_MS
  for (;;) {
    const line = await files.readLine('shell')
    if (line !== null) {
      const [pid, startTicks, bootId] = line.split(' ')
      return bootId === parts.bootId ? { pid: Number(pid), startTicks: Number(startTicks) } : undefined
    }
    if (parts.clock.monotonicMs() > giveUpAtMs || !(await scanner.isAnyLeft(files.record.cookie))) return undefined
    await sleep(parts.clock, ADOPTED_POLL_MS)
  }
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
  if (cgroup) return (await endCgroup(cgroup, parts.clock, noteCgroup)) ? 'cgroup' : undefined
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
