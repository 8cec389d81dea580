import { constants, existsSync, fstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock, Timer } from '../base/clock.js'
import { ensureDirectory } from './directories.js'
import { codeOf } from './disk-errors.js'
import { readAt, readAtOnce } from './file-bytes.js'

/** A file while somebody works on it. */
export interface OpenFile {
  readonly handle: FileHandle
  /**
   * The bytes from `offset` on, fewer than `bytes` only where the file ends. At once, since they are in the kernel's
   * memory as a rule; through node's thread pool for a while where a disk has just been waited for.
   * @param into at least `bytes` long, to be read into
   */
  read(offset: number, bytes: number, into?: Buffer): Promise<Buffer>
  /** Size when the work began. */
  readonly bytes: number
  /** Another file under the same path has another stamp. */
  readonly stamp: string
}

/**
 * Keeps files open between calls, the lately used ones only. Other threads have pools of their own on the same files:
 * so every use begins with fstat, and a file that was removed or replaced meanwhile is opened anew.
 */
export interface FilePool {
  /** Undefined when there is no such file; the work was not called then. */
  read<T>(path: string, work: (file: OpenFile) => Promise<T>): Promise<T | undefined>
  /** Makes file (0600) and directories (0700) where they are missing. */
  write<T>(path: string, work: (file: OpenFile) => Promise<T>): Promise<T>
  /** Closes the file once nobody works on it. */
  forget(path: string): void
  readonly openCount: number
  /** Closes every file; waits for the work on them. */
  close(): Promise<void>
}

interface Entry {
  readonly path: string
  readonly handle: FileHandle
  users: number
  usedAtMs: number
  retired: boolean
  /** Until then its bytes are read through the thread pool. */
  slowUntilMs: number
  /** Resolves `gone`. */
  readonly close: () => void
  readonly gone: Promise<void>
}

const READ = constants.O_RDWR | constants.O_NOFOLLOW
const WRITE = READ | constants.O_CREAT
/** A read that takes longer came from a disk, and beats share the thread. */
const SLOW_MS = 2
const SLOW_FOR_MS = 5_000
/** Uses of one path in a row that may find the file removed under them. */
const REOPENS_MAX = 5

export function createFilePool(clock: Clock, limits = { openMax: 128, idleMs: 5_000 }): FilePool {
  const entries = new Map<string, Entry>() // least lately used first
  const all = new Set<Entry>() // also those that are out of the pool and not closed yet
  let idleTimer: Timer | undefined
  let closed = false

  async function use<T>(path: string, flags: number, work: (file: OpenFile) => Promise<T>): Promise<T> {
    for (let reopens = 0; ; reopens++) {
      const entry = await acquire(path, flags)
      try {
        // Asked of the kernel's memory, never of the disk: in the thread pool it would take ten times as long.
        const stats = fstatSync(entry.handle.fd)
        if (stats.nlink > 0 || reopens === REOPENS_MAX)
          return await work({
            handle: entry.handle,
            read: (offset, bytes, into) =>
              read(entry, offset, into?.subarray(0, bytes) ?? Buffer.allocUnsafeSlow(bytes)),
            bytes: stats.size,
            stamp: `${stats.ino}:${stats.birthtimeMs}`,
          })
        retire(entry)
      } finally {
        release(entry)
      }
    }
  }

  async function read(entry: Entry, offset: number, into: Buffer): Promise<Buffer> {
    const startedAtMs = clock.monotonicMs()
    if (startedAtMs < entry.slowUntilMs) return await readAt(entry.handle, offset, into)
    const read = readAtOnce(entry.handle, offset, into)
    const endedAtMs = clock.monotonicMs()
    if (endedAtMs - startedAtMs > SLOW_MS) entry.slowUntilMs = endedAtMs + SLOW_FOR_MS
    return read
  }

  async function acquire(path: string, flags: number): Promise<Entry> {
    const handle = entries.has(path) ? undefined : await open(path, flags, 0o600)
    const known = entries.get(path) // somebody else may have opened it while we did
    if (known) {
      known.users++
      entries.delete(path)
      entries.set(path, known)
      await handle?.close()
      return known
    }
    if (!handle) return acquire(path, flags)
    const entry = newEntry(path, handle)
    entries.set(path, entry)
    all.add(entry)
    void entry.gone.then(() => all.delete(entry))
    closeOverMany()
    return entry
  }

  function release(entry: Entry): void {
    entry.users--
    entry.usedAtMs = clock.monotonicMs()
    if (entry.retired || closed) retire(entry)
    closeOverMany()
    if (entries.size > 0 && !idleTimer && !closed)
      idleTimer = clock.after(limits.idleMs, closeIdle, { background: true })
  }

  /** Out of the pool at once; the file is closed by the last user. */
  function retire(entry: Entry): void {
    entry.retired = true
    if (entries.get(entry.path) === entry) entries.delete(entry.path)
    if (entry.users === 0) entry.close()
  }

  function closeOverMany(): void {
    for (const entry of entries.values()) {
      if (entries.size <= limits.openMax) return
      if (entry.users === 0) retire(entry)
    }
  }

  function closeIdle(): void {
    idleTimer = undefined
    const before = clock.monotonicMs() - limits.idleMs
    for (const entry of entries.values()) if (entry.users === 0 && entry.usedAtMs <= before) retire(entry)
    if (entries.size > 0) idleTimer = clock.after(limits.idleMs, closeIdle, { background: true })
  }

  return {
    async read(path, work) {
      // Most logs have no stderr: a failed open costs more than all the rest of a small read.
      if (!entries.has(path) && !existsSync(path)) return undefined
      try {
        return await use(path, READ, work)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw error
      }
    },
    async write(path, work) {
      try {
        return await use(path, WRITE, work)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error
        await ensureDirectory(dirname(path))
        return use(path, WRITE, work)
      }
    },
    forget(path) {
      const entry = entries.get(path)
      if (entry) retire(entry)
    },
    get openCount() {
      return all.size
    },
    async close() {
      closed = true
      idleTimer?.cancel()
      const open = [...all]
      for (const entry of open) retire(entry)
      await Promise.all(open.map(entry => entry.gone))
    },
  }
}

function newEntry(path: string, handle: FileHandle): Entry {
  let close = (): void => {}
  const closed = new Promise<void>(resolve => {
    close = resolve
  })
  // What close says is no news: whoever needs the bytes to be safe has called sync.
  const gone = closed.then(() => handle.close()).catch(() => {})
  return { path, handle, users: 1, usedAtMs: 0, retired: false, slowUntilMs: 0, close, gone }
}
