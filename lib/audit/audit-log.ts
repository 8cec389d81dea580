import { Buffer } from 'node:buffer'
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Clock, Timer } from '../base/clock.js'
import type { Log } from '../base/log.js'
import { auditFiles, CURRENT, fullName, HEAD, headText, readHead } from './files.js'
import { type ChainEnd, chained, type EntryText, entryText, GENESIS, hashOf, readLink } from './line.js'

/** Who did what, in DATA/audit.log: lines that are only ever added. One thread writes it. */
export interface AuditLog {
  /** Goes with the next `write`, or before it where too many wait; never throws. */
  note(entry: EntryText): void
  /**
   * Appends what was noted: the end of this process cannot take it any more when this returns, and a power loss only
   * within the next second.
   * @throws Error with a `code` (ENOSPC and the like): nothing of it is in the file, and the next call tries again
   */
  write(): void
  close(): void
}

/** How long what was appended may wait for the disk. */
const SYNC_MS = 1_000
/** Beyond this a file is full and the next one begins. */
const FILE_BYTES_MAX = 64 * 1024 * 1024
/** So many lines wait at most. Only where they cannot be written, on a full disk say, the oldest go, and a line says so. */
const NOTED_MAX = 4_096
/** No line is longer. */
const LINE_BYTES_MAX = 64 * 1024

/**
 * Opens the log of a data directory and goes on with its chain. Half a line at its end is cut off: it was being written
 * when the daemon ended, so what it tells of was not done.
 */
export function openAuditLog(dataDir: string, clock: Clock, log: Log, fileBytesMax = FILE_BYTES_MAX): AuditLog {
  const path = join(dataDir, CURRENT)
  let file = openSync(path, 'a+', 0o600)
  closeSync(openSync(join(dataDir, HEAD), 'a', 0o600))
  const headFile = openSync(join(dataDir, HEAD), 'r+')
  syncDirectory(dataDir)
  let bytes = cutHalfLine(file)
  let end = findEnd(dataDir, log)
  const noted: EntryText[] = []
  let dropped = 0
  /** They were too many and could not be written: no note tries that again before the next `write`. */
  let isStuck = false
  let sync: Timer | undefined

  /** In another thread: no commit waits for it. */
  function syncLater(): void {
    sync ??= clock.after(
      SYNC_MS,
      () => {
        sync = undefined
        fdatasync(file, error => error && log.error('the audit log could not be synced', { path }, error))
      },
      { background: true },
    )
  }

  function startNextFile(): void {
    fdatasyncSync(file)
    const full = join(dataDir, fullName(end.line))
    renameSync(path, full)
    const next = openNext(path, full)
    closeSync(file)
    file = next
    syncDirectory(dataDir)
    bytes = 0
  }

  function writeNoted(): void {
    if (noted.length === 0) return
    if (bytes >= fileBytesMax) startNextFile()
    const entries = dropped > 0 ? [droppedEntry(dropped), ...noted] : noted
    const lines: string[] = []
    let next = end
    for (const entry of entries) {
      const made = chained(entry, clock.nowMs(), next)
      lines.push(made.text)
      next = made.end
    }
    bytes = append(file, Buffer.from(`${lines.join('\n')}\n`), bytes)
    end = next
    noted.length = 0
    dropped = 0
    writeSync(headFile, headText(end), 0)
    syncLater()
  }

  /** A burst is written before its commit comes: nobody hides a request by a flood behind it. */
  function makeRoom(): void {
    if (!isStuck)
      try {
        writeNoted()
      } catch {
        // The commit that comes tries again, and says why.
        isStuck = true
      }
    if (noted.length < NOTED_MAX) return
    noted.shift()
    dropped++
  }

  return {
    note(entry) {
      if (noted.length >= NOTED_MAX) makeRoom()
      noted.push(entry)
    },
    write() {
      isStuck = false
      writeNoted()
    },
    close() {
      sync?.cancel()
      fdatasyncSync(file)
      closeSync(file)
      closeSync(headFile)
    },
  }
}

/** Where it cannot be made, everything is as it was. */
function openNext(path: string, full: string): number {
  try {
    return openSync(path, 'a+', 0o600)
  } catch (error) {
    renameSync(full, path)
    throw error
  }
}

/** A file that was made is there after a power loss too. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

const droppedEntry = (count: number): EntryText =>
  entryText({ method: 'audit.dropped', address: '', connection: 0, count })

/** @returns the new length */
function append(file: number, data: Buffer, at: number): number {
  try {
    for (let written = 0; written < data.length; ) written += writeSync(file, data, written)
    return at + data.length
  } catch (error) {
    ftruncateSync(file, at)
    throw error
  }
}

/** @returns the length of the whole lines */
function cutHalfLine(file: number): number {
  const { size } = fstatSync(file)
  const tail = readTail(file, size)
  const bytes = size - (tail.length - (tail.lastIndexOf(0x0a) + 1))
  if (bytes < size) ftruncateSync(file, bytes)
  return bytes
}

/** The chain goes on where it was written to last; that lines are gone stays to be seen by the gap. */
function findEnd(dataDir: string, log: Log): ChainEnd {
  const head = readHead(dataDir)
  const last = auditFiles(dataDir)
    .reverse()
    .map(lastLine)
    .find(line => line !== undefined)
  if (head && (last === undefined || head.line > last.line || (head.line === last.line && head.hash !== last.hash))) {
    log.error('the last lines of the audit log are gone or were changed; see jankins audit verify', {
      expected: head.line,
      found: last?.line ?? 0,
    })
    return head
  }
  return last ?? GENESIS
}

function lastLine(path: string): ChainEnd | undefined {
  const file = openSync(path, 'r')
  try {
    const tail = readTail(file, fstatSync(file).size)
    const text = tail.subarray(0, tail.lastIndexOf(0x0a) + 1)
    if (text.length === 0) return undefined
    const line = text.subarray(text.lastIndexOf(0x0a, text.length - 2) + 1, text.length - 1)
    return { line: readLink(line.toString())?.line ?? 0, hash: hashOf(line) }
  } finally {
    closeSync(file)
  }
}

function readTail(file: number, size: number): Buffer {
  const from = Math.max(0, size - LINE_BYTES_MAX)
  const tail = Buffer.alloc(size - from)
  readSync(file, tail, 0, tail.length, from)
  return tail
}
