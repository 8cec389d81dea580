import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

/** Fills `into` through node's thread pool. @returns what was filled: all of it unless the file ends before */
export async function readAt(handle: FileHandle, offset: number, into: Buffer): Promise<Buffer> {
  let filled = 0
  while (filled < into.length) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return into.subarray(0, filled)
}

/** As readAt, on this thread. */
export function readAtOnce({ fd }: FileHandle, offset: number, into: Buffer): Buffer {
  let filled = 0
  while (filled < into.length) {
    const bytesRead = readSync(fd, into, filled, into.length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return into.subarray(0, filled)
}

/** Writes all of `data` at `end`, where the file ends. @throws the error of the disk: the file ends at `end` then */
export async function writeEnd(handle: FileHandle, end: number, data: Uint8Array): Promise<void> {
  let written = 0
  try {
    while (written < data.length) {
      const { bytesWritten } = await handle.write(data, written, data.length - written, end + written)
      written += bytesWritten
    }
  } catch (error) {
    await handle.truncate(end)
    throw error
  }
}
