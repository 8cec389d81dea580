import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from './disk-errors.js'

const HOUR_MS = 3_600_000
/** Longer than any lease: no sender that still has a right to a part has been away for that long. */
const PART_AGE_MS_MAX = 7 * 24 * HOUR_MS
const MARK = '.swept'

/**
 * Removes files that nobody has added to for a week from a directory of parts: what senders left that never came
 * back. "Now" is the file system's own time of `written`, a part that grew a moment ago. A mark less than an hour
 * old says that there is nothing to do, so every thread may call this.
 */
export async function sweepParts(directory: string, written: string, ageMsMax = PART_AGE_MS_MAX): Promise<void> {
  const mark = join(directory, MARK)
  const nowMs = await modifiedAtMs(written)
  const markedAtMs = await modifiedAtMs(mark)
  if (nowMs === undefined || (markedAtMs !== undefined && nowMs - markedAtMs < HOUR_MS)) return
  await writeFile(mark, '', { mode: 0o600 })
  await utimes(mark, nowMs / 1e3, nowMs / 1e3)
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const atMs = await modifiedAtMs(path)
    if (atMs !== undefined && nowMs - atMs > ageMsMax) await rm(path, { force: true })
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
