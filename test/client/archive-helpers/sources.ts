import { open, stat } from 'node:fs/promises'
import type { ZipSource } from '../../../lib/client/archive/zip-source.js'

/** An archive in memory, read in small pieces: most of what is asked for comes in several. */
export const sourceOf = (zip: Buffer, pieceBytes = 1_000): ZipSource => ({
  bytes: zip.length,
  read: async (at, bytesMax) => zip.subarray(at, at + Math.min(bytesMax, pieceBytes)),
  verify: async () => {},
})

/** An archive in a file. */
export const sourceOfFile = async (path: string): Promise<ZipSource> => ({
  bytes: (await stat(path)).size,
  async read(at, bytesMax) {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytesMax), 0, bytesMax, at)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  },
  verify: async () => {},
})
