import { randomBytes } from 'node:crypto'
import { chmod, readdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.js'
import { type Log, silentLog } from '../../base/log.js'
import { makeDirectory } from '../../base/make-directory.js'
import type { AttemptStorage, GrantRecord } from '../ports.js'
import { type AttemptHome, type LinuxAttempt, makeAttempt, openAttempt } from './attempt-directory.js'
import { createPunchHole } from './freed.js'
import { openGuard } from './guard.js'
import { removeTree } from './remove-tree.js'

/** Another process holds the state directory. */
export class StateDirectoryBusyError extends Error {
  override readonly name = 'StateDirectoryBusyError'
}

export interface StateDirectory extends AttemptStorage {
  create(record: GrantRecord): Promise<LinuxAttempt>
  list(): Promise<readonly LinuxAttempt[]>
  release(): Promise<void>
}

/**
 * Opens a worker's state directory, making it (0700) when there is none, and locks it for this process. The lock is a
 * listening socket in the abstract namespace, named by device and inode: it goes with the process, however that ends.
 *
 *     DIR/worker guard                  who holds the directory, and which guard is in charge: see guard.sh
 *     DIR/attempts/JOB-ATTEMPT-LEASE/   grant lease-end ending plan freed cgroup namespace shell status stdout
 *                                       stderr script workspace/ artifacts/
 *
 * @throws StateDirectoryBusyError, or what the file system says
 */
export async function openStateDirectory(
  dir: string,
  bootId: string,
  clock: Clock,
  log: Log = silentLog,
): Promise<StateDirectory> {
  const attemptsDir = join(dir, 'attempts')
  makeDirectory(attemptsDir, 0o700)
  await chmod(dir, 0o700)
  const unlock = await lock(dir)
  const guard = openGuard(dir, bootId, clock)
  const home: AttemptHome = { bootId, open: new Set(), punchHole: createPunchHole() }
  const removals = new Set<Promise<void>>()
  /** Beside what is left to do: the jobs of the other directories must not wait for files that another user owns. */
  const remove = (path: string): void => {
    const removal = removeTree(path)
      .catch(error => log.error('what was left of an attempt was not removed', { path }, error))
      .finally(() => removals.delete(removal))
    removals.add(removal)
  }
  return {
    async create(record) {
      const path = join(attemptsDir, nameOf(record))
      try {
        const guarding = guard.ensure()
        guarding.catch(() => {})
        const attempt = await makeAttempt(path, record, home)
        // Before the job is taken: no attempt is ever without a guard.
        await guarding
        return attempt
      } catch (error) {
        await removeTree(path).catch(() => {})
        throw error
      }
    },
    async list() {
      const found: { attempt: LinuxAttempt; atMs: number }[] = []
      for (const entry of await readdir(attemptsDir, { withFileTypes: true })) {
        if (!entry.isDirectory()) continue
        const path = join(attemptsDir, entry.name)
        try {
          const attempt = await openAttempt(path, home)
          if (attempt) found.push({ attempt, atMs: (await stat(path)).birthtimeMs })
          else remove(path)
        } catch (error) {
          log.error('a directory of attempts was not read', { path }, error)
        }
      }
      // On a full disk it may come later: that is no reason not to bring the results home.
      if (found.length > 0) await guard.ensure().catch(() => {})
      return found.sort((a, b) => a.atMs - b.atMs).map(({ attempt }) => attempt)
    },
    async release() {
      await Promise.all(removals)
      await Promise.all([...home.open].map(attempt => attempt.close()))
      await guard.release()
      await unlock()
    },
  }
}

/** For lib/worker/ports.ts, Machine.random. */
export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex')

const nameOf = ({ grant }: GrantRecord): string => `${grant.job}-${grant.attempt}-${grant.lease.slice(0, 8)}`

async function lock(dir: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(dir)
  const server = createServer(socket => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new StateDirectoryBusyError(`another worker uses ${dir}; give this one another --name or --dir`)
          : error,
      ),
    )
    server.listen({ path: `\0jankins-worker-${dev}-${ino}` }, resolve)
  })
  server.unref()
  return () => new Promise(resolve => server.close(() => resolve()))
}
