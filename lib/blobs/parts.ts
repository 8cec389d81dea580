import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { codeOf } from './disk-errors.js'

const HOUR_MS = 3_600_000
/** Longer than any lease: no sender that still has a right to a part has been away for that long. */
const PART_AGE_MS_MAX = 7 * 24 * HOUR_MS
const MARK = '.swept'

/**
 * Sweeps one directory of parts, at the first call and whenever an hour has passed since the last look. To be called when
 * `written`, a part of it, has grown. Never rejects: what could not be removed goes another time.
 */
export function createSweep(clock: Clock): (directory: string, written: string) => Promise<void> {
  let nextAtMs = clock.monotonicMs()
  let swept: Promise<void> = Promise.resolve()
  return (directory, written) => {
    const nowMs = clock.monotonicMs()
    if (nowMs >= nextAtMs) {
      nextAtMs = nowMs + HOUR_MS
      swept = sweepParts(directory, written).catch(() => {})
    }
    return swept
  }
}

/**
 * Removes files that nobody has added to for a week from a directory of parts: what senders left that never came
 * back. "Now" is the file system's own time of `written`, a part that grew a moment ago. A mark less than an hour
 * old says that there is nothing to do, so every thread may call this.
 */
async function sweepParts(directory: string, written: string): Promise<void> {
  const mark = join(directory, MARK)
  const nowMs = await modifiedAtMs(written)
  const markedAtMs = await modifiedAtMs(mark)
  if (nowMs === undefined || (markedAtMs !== undefined && nowMs - markedAtMs < HOUR_MS)) return
  await writeFile(mark, '', { mode: 0o600 })
  await utimes(mark, nowMs / 1e3, nowMs / 1e3)
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const atMs = await modifiedAtMs(path)
    if (atMs !== undefined && nowMs - atMs > PART_AGE_MS_MAX) await rm(path, { force: true })
  }
}

async function modifiedAtMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
