import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** More than this is not taken away at once: a large file takes a file system milliseconds. */
const SHALLOW_ENTRIES_MAX = 32
const SHALLOW_BYTES_MAX = 1024 * 1024

/**
 * Removes what most attempts leave, a few small files and empty directories, at once. False: it is more, or cannot be
 * removed so; some of it may be gone.
 */
export function removeShallow(dir: string): boolean {
  try {
    const entries = readdirSync(dir, { withFileTypes: true })
    if (entries.length > SHALLOW_ENTRIES_MAX) return false
    for (const entry of entries) {
      const path = join(dir, entry.name)
      if (entry.isDirectory()) rmdirSync(path)
      else if (lstatSync(path).size <= SHALLOW_BYTES_MAX) unlinkSync(path)
      else return false
    }
    rmdirSync(dir)
    return true
  } catch {
    return false
  }
}

/** Removes a directory that a job has had its hands on: directories without write permission must not stay for ever. */
export async function removeTree(dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true })
  } catch {
    await makeWritable(dir)
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function makeWritable(dir: string): Promise<void> {
  if (!(await lstat(dir)).isDirectory()) return
  await chmod(dir, 0o700)
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(dir, entry.name))
}
