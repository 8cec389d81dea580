import { chmod, lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes a directory that a job has had its hands on: directories without write permission must not stay for ever.
 * What most attempts leave, a few files and empty directories, takes a third of the operations that `rm` needs.
 */
export async function removeTree(dir: string): Promise<void> {
  try {
    await removeShallow(dir)
  } catch {
    await removeDeep(dir)
  }
}

async function removeShallow(dir: string): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true })
  const removals = entries.map(entry =>
    entry.isDirectory() ? rmdir(join(dir, entry.name)) : unlink(join(dir, entry.name)),
  )
  const failed = (await Promise.allSettled(removals)).find(({ status }) => status === 'rejected')
  if (failed) throw new Error(`${dir} is not empty`)
  await rmdir(dir)
}

async function removeDeep(dir: string): Promise<void> {
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
