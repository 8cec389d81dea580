import { randomBytes } from 'node:crypto'
import { closeSync, openSync, statfsSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { codeOf } from '../blobs/disk-errors.js'

/** The room on the disk of the data directory. One for each thread; they know of each other by the disk alone. */
export interface Room {
  /**
   * Whether less than the reserve is free: then nothing is taken but what ends a running job. Looks at the disk at most
   * every CHECK_MS, and whenever as much as matters was written since.
   * @param bytes that are about to be written
   */
  isShort(bytes?: number): boolean
  /** Gives back the space that is held for the ends of running jobs. False when there is none left to give. */
  release(): boolean
  /** Holds space again, once there is plenty. The writer thread does. @returns whether it is held now */
  hold(): boolean
}

const FILE = 'reserve'
const CHECK_MS = 100
const MIB = 1024 * 1024
/** Space for thousands of ends: a row of some hundred bytes, and a tail of the log of 64 KiB at most. */
const HELD_BYTES_MAX = 4 * MIB

/** @param reserveBytes 0: nothing is held and nothing refused until the disk itself refuses */
export function createRoom(dataDir: string, reserveBytes: number, clock: Clock): Room {
  const path = join(dataDir, FILE)
  const heldBytes = Math.min(HELD_BYTES_MAX, Math.floor(reserveBytes / 4))
  const stepBytes = Math.min(MIB, Math.floor(reserveBytes / 8))
  let checkedAtMs = Number.NEGATIVE_INFINITY
  let sinceBytes = 0
  let isShort: boolean = false
  return {
    isShort(bytes = 0) {
      if (reserveBytes === 0) return false
      const nowMs = clock.monotonicMs()
      sinceBytes += bytes
      if (nowMs - checkedAtMs >= CHECK_MS || sinceBytes >= stepBytes) {
        isShort = freeBytes(dataDir) - bytes < reserveBytes
        checkedAtMs = nowMs
        sinceBytes = 0
      }
      return isShort
    },
    release() {
      if (sizeOf(path) === 0) return false
      truncateSync(path, 0)
      return true
    },
    hold() {
      const size = sizeOf(path)
      if (size === heldBytes) return true
      if (size > heldBytes) truncateSync(path, heldBytes)
      else if (freeBytes(dataDir) >= reserveBytes + 2 * heldBytes) fill(path, heldBytes)
      else return false
      return true
    },
  }
}

/** What an unprivileged process may still take, bytes. */
function freeBytes(dataDir: string): number {
  const { bavail, bsize } = statfsSync(dataDir)
  return bavail * bsize
}

/** Real blocks: a file of zeros costs nothing where the file system compresses. */
function fill(path: string, bytes: number): void {
  const file = openSync(path, 'w', 0o600)
  try {
    const block = randomBytes(Math.min(bytes, MIB))
    for (let offset = 0; offset < bytes; offset += block.length)
      writeSync(file, block, 0, Math.min(block.length, bytes - offset), offset)
  } catch (error) {
    truncateSync(path, 0)
    throw error
  } finally {
    closeSync(file)
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0
    throw error
  }
}
