import type { FileHandle } from 'node:fs/promises'

/** @returns a buffer of its own; shorter than `bytes` only where the file ends */
export async function readAt(handle: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes)
  let filled = 0
  while (filled < bytes) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
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
