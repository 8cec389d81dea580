import { Buffer } from 'node:buffer'
import { constants } from 'node:fs'
import { appendFile, type FileHandle, mkdir, open, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Part } from '../../../protocol/fields.js'
import { unpackBundle } from '../../client/archive/unpack.js'
import type { AttemptFiles, Cookie, GrantRecord } from '../ports.js'
import { createFreed, type PunchHole } from './freed.js'
import { packAttempt } from './pack.js'
import { removeTree } from './remove-tree.js'
import { createStreamReader, type StreamReader } from './stream-reader.js'

/** The directory of an attempt, and the paths in it that only the executor needs. */
export interface LinuxAttempt extends AttemptFiles {
  readonly name: string
  readonly dir: string
  /** Null: not there, or not whole. */
  readLine(file: 'shell' | 'status' | 'cgroup' | 'namespace' | 'times'): Promise<string | null>
  /** Whoever ends the attempt later finds its cgroup here. */
  writeCgroup(dir: string): Promise<void>
  /** Returns the path of the script, executable. */
  writeScript(script: string): Promise<string>
  /** Closes its files; the directory stays. */
  close(): Promise<void>
}

/** What all attempts of a state directory have in common. */
export interface AttemptHome {
  readonly bootId: string
  /**
   * The attempts of this process that were not removed. Their handles are held by it: newer Node takes a handle that is
   * collected before it was closed for an error.
   */
  readonly open: Set<LinuxAttempt>
  readonly punchHole: PunchHole
}

/** Each costs a process and an fsync. */
const FREE_STEP_BYTES = 8 * 1024 * 1024

const FILE_OF: { readonly [P in Part]: string } = { stdout: 'stdout', stderr: 'stderr', artifacts: 'artifacts.zip' }

export async function makeAttempt(dir: string, record: GrantRecord, home: AttemptHome): Promise<LinuxAttempt> {
  await mkdir(dir, { mode: 0o700 })
  // All have ended before what was made is taken away again.
  const made = await Promise.allSettled([
    mkdir(join(dir, 'workspace')),
    mkdir(join(dir, 'artifacts')),
    // In one write and whole only with its newline: every file operation less counts, for each job.
    writeFile(join(dir, 'grant'), `${JSON.stringify(record)}\n`, { mode: 0o600 }),
  ])
  const failed = made.find(step => step.status === 'rejected')
  if (failed) {
    await removeTree(dir).catch(() => {}) // a full disk must not keep what could not be made
    throw failed.reason
  }
  return attemptIn(dir, record, home)
}

/** Undefined when there is no whole grant in it: the worker died while it made or removed the directory. */
export async function openAttempt(dir: string, home: AttemptHome): Promise<LinuxAttempt | undefined> {
  const text = await readText(join(dir, 'grant'))
  return text?.endsWith('\n') ? attemptIn(dir, JSON.parse(text) as GrantRecord, home) : undefined
}

function attemptIn(dir: string, record: GrantRecord, home: AttemptHome): LinuxAttempt {
  const { bootId } = home
  const path = (name: string): string => join(dir, name)
  const handles = new Map<Part, Promise<FileHandle>>()
  let leaseEnd: Promise<FileHandle> | undefined
  const opened = (part: Part): Promise<FileHandle> => {
    const handle = handles.get(part) ?? open(path(FILE_OF[part]), 'r')
    handles.set(part, handle)
    handle.catch(() => handles.delete(part))
    return handle
  }
  const readerOf = (part: Part): StreamReader =>
    createStreamReader(
      async () => (await sizeOf(path(FILE_OF[part]))) ?? 0,
      async (offset, bytesMax) => {
        const buffer = Buffer.allocUnsafe(bytesMax)
        const { bytesRead } = await (await opened(part)).read(buffer, 0, bytesMax, offset)
        return buffer.subarray(0, bytesRead)
      },
    )
  const readers = { stdout: readerOf('stdout'), stderr: readerOf('stderr'), artifacts: readerOf('artifacts') }
  const freed = createFreed(dir, home.punchHole)
  const attempt: LinuxAttempt = {
    name: dir.slice(dir.lastIndexOf('/') + 1),
    dir,
    record,
    workspaceDir: path('workspace'),
    artifactsDir: path('artifacts'),
    // The shell's own first file: as soon as it exists a shell may exist.
    async markLaunched() {
      if (handles.has('stdout')) return
      const handle = open(path('stdout'), 'a+', 0o600)
      handles.set('stdout', handle)
      handle.catch(() => handles.delete('stdout'))
      await handle
    },
    wasLaunched: async () => (await sizeOf(path('stdout'))) !== undefined,
    async writeLeaseEnd(endsAtBootMs) {
      leaseEnd ??= open(path('lease-end'), constants.O_WRONLY | constants.O_CREAT, 0o600)
      const handle = await leaseEnd.catch(error => {
        leaseEnd = undefined
        throw error
      })
      await handle.write(leaseEndText(endsAtBootMs, bootId, record.cookie), 0)
    },
    async readLeaseEnd() {
      const [ticks, boot] = ((await readText(path('lease-end'))) ?? '').split(' ')
      return boot === bootId ? Number(ticks) * 10 : undefined
    },
    writeEnding: ending => writeWhole(path('ending'), JSON.stringify(ending)),
    readEnding: () => readJson(path('ending')),
    writePlan: plan => writeWhole(path('plan'), JSON.stringify(plan)),
    readPlan: () => readJson(path('plan')),
    async unpackBundle(zip) {
      // An earlier worker process may have been ended while it unpacked.
      await removeTree(path('workspace'))
      await mkdir(path('workspace'))
      await unpackBundle(zip, path('workspace'))
    },
    note: line => appendFile(path('stderr'), `jankins: ${line}\n`, { mode: 0o600 }).catch(() => {}),
    partBytes: part => readers[part].bytes(),
    async readPart(part, offset, bytesMax) {
      const goneBytes = part === 'artifacts' ? 0 : freed.holeEnd(part) - offset
      return goneBytes > 0 ? Buffer.alloc(Math.min(bytesMax, goneBytes), '\n') : readers[part].read(offset, bytesMax)
    },
    freeStepBytes: FREE_STEP_BYTES,
    free: (stream, mark) => freed.free(stream, mark, () => readers[stream].isWhole()),
    readFreed: freed.read,
    packArtifacts: globs => packAttempt(dir, globs),
    async close() {
      const opened = [...handles.values(), ...(leaseEnd ? [leaseEnd] : [])]
      handles.clear()
      leaseEnd = undefined
      await Promise.all(opened.map(handle => handle.then(h => h.close()).catch(() => {})))
    },
    async remove() {
      await attempt.close()
      home.open.delete(attempt)
      // First the grant: what is left when this is broken off is no attempt any more.
      await unlink(path('grant')).catch(() => {})
      await removeTree(dir)
    },
    async readLine(file) {
      const text = await readText(path(file))
      return text?.endsWith('\n') ? text.slice(0, -1) : null
    },
    writeCgroup: cgroup => writeFile(path('cgroup'), `${cgroup}\n`, { mode: 0o600 }),
    async writeScript(script) {
      await writeFile(path('script'), script, { mode: 0o700 })
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

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readText(path)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
