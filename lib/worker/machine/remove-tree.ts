import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

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
