import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes a directory and those above it, for nobody else to look into. */
export async function ensureDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
}

/** Makes the entries of a directory durable, and the directory's own entry: it may have been made a moment ago. */
export async function syncDirectory(directory: string): Promise<void> {
  await syncEntries(directory)
  await syncEntries(dirname(directory))
}

/** Makes the entries of a directory durable that was durable itself before. */
export async function syncEntries(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
