import { Buffer } from 'node:buffer'
import { closeSync, constants, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stream } from '../../../protocol/fields.js'
import { unpackBundle } from '../../client/archive/unpack.js'
import type { AttemptFiles, Cookie, GrantRecord } from '../ports.js'
import { createFreed, type PunchHole } from './freed.js'
import { createOpenFiles } from './open-files.js'
import { packAttempt } from './pack.js'
import { removeShallow, removeTree } from './remove-tree.js'
import { createStreamReader, type StreamReader } from './stream-reader.js'

/**
 * The directory of an attempt, and the paths in it that only the executor needs. What is small is made, read and taken
 * away at once: each operation that goes through node's pool of threads costs ten times as much, and there are thirty.
 */
export interface LinuxAttempt extends AttemptFiles {
  readonly name: string
  readonly dir: string
  /** Null: not there, or not whole. */
  readLine(file: 'shell' | 'status' | 'cgroup' | 'namespace' | 'times'): Promise<string | null>
  /** From now on no shell begins that has not begun yet. False: one has begun before. */
  barShell(): Promise<boolean>
  /** Whoever ends the attempt later finds its cgroup here. */
  writeCgroup(dir: string): Promise<void>
  /** Until this is over the directory stays: what is still to be taken away is noted in it. */
  removeAfter(work: Promise<unknown>): void
  /** Returns the path of the script, executable. */
  writeScript(script: string): Promise<string>
  /** Closes its files; the directory stays. */
  close(): Promise<void>
}

/** What all attempts of a state directory have in common. */
export interface AttemptHome {
  readonly bootId: string
  /** The attempts of this process that were not removed. */
  readonly open: Set<LinuxAttempt>
  readonly punchHole: PunchHole
}

/** Each costs a process and an fsync. */
const FREE_STEP_BYTES = 8 * 1024 * 1024

/** A job may have put a pipe there: to open or read that is not to be waited for. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

export async function makeAttempt(dir: string, record: GrantRecord, home: AttemptHome): Promise<LinuxAttempt> {
  mkdirSync(dir, { mode: 0o700 })
  try {
    mkdirSync(join(dir, 'workspace'))
    mkdirSync(join(dir, 'artifacts'))
    // In one write, and whole only with its newline.
    writeFileSync(join(dir, 'grant'), `${JSON.stringify(record)}\n`, { mode: 0o600 })
  } catch (error) {
    await removeTree(dir).catch(() => {}) // a full disk must not keep what could not be made
    throw error
  }
  return attemptIn(dir, record, home)
}

/** Undefined when there is no whole grant in it: the worker died while it made or removed the directory. */
export async function openAttempt(dir: string, home: AttemptHome): Promise<LinuxAttempt | undefined> {
  const text = readText(join(dir, 'grant'))
  return text?.endsWith('\n') ? attemptIn(dir, JSON.parse(text) as GrantRecord, home) : undefined
}

function attemptIn(dir: string, record: GrantRecord, home: AttemptHome): LinuxAttempt {
  const { bootId } = home
  const path = (name: string): string => join(dir, name)
  const files = createOpenFiles()
  const readerOf = (stream: Stream): StreamReader => {
    const file = path(stream)
    return createStreamReader(
      async () => sizeOf(file) ?? 0,
      async (offset, bytesMax, into) => {
        files.open(file, READ)
        return files.read(file, offset, bytesMax, into)
      },
    )
  }
  const readers = { stdout: readerOf('stdout'), stderr: readerOf('stderr') }
  const freed = createFreed(dir, home.punchHole)
  const removals: Promise<unknown>[] = []
  const attempt: LinuxAttempt = {
    name: dir.slice(dir.lastIndexOf('/') + 1),
    dir,
    record,
    workspaceDir: path('workspace'),
    artifactsDir: path('artifacts'),
    // The shell's own first file: as soon as it exists a shell may exist.
    async markLaunched() {
      files.open(path('stdout'), 'a+')
    },
    wasLaunched: async () => sizeOf(path('stdout')) !== undefined,
    async markMasked() {
      writeFileSync(path('masked'), '', { mode: 0o600 })
    },
    isMasked: async () => sizeOf(path('masked')) !== undefined,
    async writeLeaseEnd(endsAtBootMs) {
      files.open(path('lease-end'), constants.O_WRONLY | constants.O_CREAT)
      await files.write(path('lease-end'), leaseEndText(endsAtBootMs, bootId, record.cookie))
    },
    async readLeaseEnd() {
      const [ticks, boot] = (readText(path('lease-end')) ?? '').split(' ')
      return boot === bootId ? Number(ticks) * 10 : undefined
    },
    writeEnding: ending => writeWhole(path('ending'), JSON.stringify(ending)),
    readEnding: async () => readJson(path('ending')),
    writePlan: plan => writeWhole(path('plan'), JSON.stringify(plan)),
    readPlan: async () => readJson(path('plan')),
    async unpackBundle(zip) {
      // An earlier worker process may have been ended while it unpacked.
      await removeTree(path('workspace'))
      await mkdir(path('workspace'))
      await unpackBundle(zip, path('workspace'))
    },
    note: line => appendFile(path('stderr'), `jankins: ${line}\n`, { mode: 0o600 }).catch(() => {}),
    streamBytes: stream => readers[stream].bytes(),
    async readStream(stream, offset, bytesMax, into) {
      const goneBytes = freed.holeEnd(stream) - offset
      return goneBytes > 0
        ? Buffer.alloc(Math.min(bytesMax, goneBytes), '\n')
        : readers[stream].read(offset, bytesMax, into)
    },
    freeStepBytes: FREE_STEP_BYTES,
    free: (stream, mark) => freed.free(stream, mark, () => readers[stream].isWhole()),
    readFreed: freed.read,
    packArtifacts: globs => packAttempt(dir, globs),
    close: files.close,
    removeAfter(work) {
      removals.push(work)
    },
    async remove() {
      await Promise.all(removals)
      await files.close()
      home.open.delete(attempt)
      // First the grant: what is left when this is broken off is no attempt any more.
      rmSync(path('grant'), { force: true })
      if (!removeShallow(dir)) await removeTree(dir)
    },
    async readLine(file) {
      const text = readText(path(file))
      return text?.endsWith('\n') ? text.slice(0, -1) : null
    },
    async barShell() {
      try {
        writeFileSync(path('shell'), '-\n', { flag: 'wx', mode: 0o600 })
        return true
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'EEXIST' // a full disk: nothing can begin there either
      }
    },
    async writeCgroup(cgroup) {
      writeFileSync(path('cgroup'), `${cgroup}\n`, { mode: 0o600 })
    },
    async writeScript(script) {
      writeFileSync(path('script'), script, { mode: 0o700 })
      return path('script')
    },
  }
  home.open.add(attempt)
  return attempt
}

const TICKS_DIGITS = 12

/**
 * For guard.sh: hundredths of a second, as a shell can count them, the life of the machine that they belong to, and the
 * cookie. Always as long and written in place, so that a lease can be renewed on a full disk; a reader takes an end
 * only when it is the same twice.
 */
function leaseEndText(endsAtBootMs: number, bootId: string, cookie: Cookie): string {
  const ticks = String(Math.floor(endsAtBootMs / 10)).padStart(TICKS_DIGITS, '0')
  return `${ticks} ${bootId} ${ticks}\n${cookie.name}=${cookie.value}\n`
}

/** Readers see the old file or the new one, whole. One call at a time for each file. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

function readText(path: string): string | undefined {
  let fd: number
  try {
    fd = openSync(path, READ)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

function readJson<T>(path: string): T | undefined {
  const text = readText(path)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size
