import { constants, readFileSync } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '../../base/clock.js'

const GIVE_UP_MS = 30_000
const PAUSE_MS_MAX = 100

/**
 * The cgroup (version 2) that this process runs in, when it may make groups in it and a group can be killed as a whole
 * (cgroup.kill, Linux 5.14): systemd's Delegate=yes gives that. Undefined otherwise.
 */
export async function findDelegatedCgroup(): Promise<string | undefined> {
  try {
    const own = /^0::(\/.*)$/m.exec(await readFile('/proc/self/cgroup', 'utf8'))?.[1]
    const mount = (await readFile('/proc/self/mountinfo', 'utf8'))
      .split('\n')
      .find(line => line.includes(' - cgroup2 '))
    const [, , , root, mountedAt] = mount?.split(' ') ?? []
    if (own === undefined || root === undefined || mountedAt === undefined) return undefined
    const inside = root === '/' ? own : own.startsWith(root) ? own.slice(root.length) : undefined
    if (inside === undefined || inside.includes('..')) return undefined
    const dir = join(mountedAt, inside)
    await access(join(dir, 'cgroup.procs'), constants.W_OK)
    // Not by process number: two that look at once in different pid namespaces, or one that was killed here, have it too.
    const probe = await mkdtemp(join(dir, 'jankins-probe-'))
    try {
      await access(join(probe, 'cgroup.kill'), constants.W_OK)
      return dir
    } finally {
      await rmdir(probe)
    }
  } catch {
    return undefined
  }
}

export const cgroupOf = (delegated: string, attemptName: string): string =>
  join(delegated, `jankins-job-${attemptName}`)

/** Not synchronous: no disk is behind it, but a lock that the kernel holds for milliseconds while a process moves. */
export async function makeCgroup(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
}

/** Kills everything in the group and below. True when nothing is in it, or it is gone. */
export const emptyCgroup = (dir: string, clock: Clock): Promise<boolean> =>
  killUntil(dir, clock, async () => !isPopulated(dir))

/**
 * Removes the group too. True when there is no such group any more. Nothing that somebody waits for should wait for
 * this: beside a process that moves into another group the kernel takes 15 ms for it.
 */
export const endCgroup = (dir: string, clock: Clock): Promise<boolean> =>
  killUntil(dir, clock, async () => !isPopulated(dir) && (await removeGroups(dir)))

/** A process that is being born is caught by the kernel: cgroup.kill covers forks that are under way. */
async function killUntil(dir: string, clock: Clock, isDone: () => Promise<boolean>): Promise<boolean> {
  const giveUpAtMs = clock.monotonicMs() + GIVE_UP_MS
  for (let pauseMs = 1; ; pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2)) {
    if (await isDone()) return true
    if (clock.monotonicMs() > giveUpAtMs) return false
    await writeFile(join(dir, 'cgroup.kill'), '1').catch(() => {})
    await sleep(clock, pauseMs)
  }
}

function isPopulated(dir: string): boolean {
  try {
    return /^populated 1$/m.test(readFileSync(join(dir, 'cgroup.events'), 'latin1'))
  } catch {
    return false
  }
}

/** The innermost first, which most often is the only one; false when one is still busy. */
async function removeGroups(dir: string): Promise<boolean> {
  if (await removeGroup(dir)) return true
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory() && !(await removeGroups(join(dir, entry.name)))) return false
  return await removeGroup(dir)
}

const removeGroup = (dir: string): Promise<boolean> =>
  rmdir(dir).then(
    () => true,
    error => (error as NodeJS.ErrnoException).code === 'ENOENT',
  )
