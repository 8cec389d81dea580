import { randomUUID } from 'node:crypto'
import { promises as files } from 'node:fs'
import { dirname } from 'node:path'

/** Replaces a file of mode 0600, in a directory that is made with mode 0700. Readers see the old file or the new one. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await files.mkdir(dirname(path), { recursive: true, mode: 0o700 })
  // 0600 from the first byte: never for a moment readable by others, as it would be with a chmod after the write.
  const temporary = `${path}.${randomUUID()}`
  const file = await files.open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
    await file.close()
    await files.rename(temporary, path)
  } catch (error) {
    await file.close().catch(() => {})
    await files.rm(temporary, { force: true })
    throw error
  }
}
