import { Buffer } from 'node:buffer'

export interface StreamReader {
  /** Length of the stream, which is never shorter than what was read of it. */
  bytes(): Promise<number>
  /** @param into at least `bytesMax` long, to be read into */
  read(offset: number, bytesMax: number, into?: Buffer): Promise<Buffer>
  /** Whether each byte of the stream stands in the file at its own offset. */
  isWhole(): Promise<boolean>
}

/** Enough of the last bytes read to tell whether the file is still the one that they were read from. */
const TAIL_BYTES = 64

/**
 * Reads a log file that its job may empty: `echo oops > /dev/stderr` opens the file behind that name anew and cuts it.
 * What was read before the cut keeps its place in the stream, and what is written after it follows. What was cut before
 * anybody read it is gone; where bytes that are gone have to be read a second time, each is given as a line feed.
 */
export function createStreamReader(
  sizeOfFile: () => Promise<number>,
  readFile: (offset: number, bytesMax: number, into?: Buffer) => Promise<Buffer>,
): StreamReader {
  let goneBytes = 0
  let readTo = 0
  let tail = Buffer.alloc(0)

  const isCut = async (fileBytes: number): Promise<boolean> =>
    fileBytes < readTo || !tail.equals(await readFile(readTo - tail.length, tail.length))

  return {
    isWhole: async () => goneBytes === 0 && !(await isCut(await sizeOfFile())),
    async bytes() {
      const fileBytes = await sizeOfFile()
      if (readTo === 0 || !(await isCut(fileBytes))) return goneBytes + fileBytes
      goneBytes += readTo
      readTo = 0
      return goneBytes + fileBytes
    },
    async read(offset, bytesMax, into) {
      if (offset < goneBytes) return Buffer.alloc(Math.min(bytesMax, goneBytes - offset), '\n')
      const data = await readFile(offset - goneBytes, bytesMax, into)
      const end = offset - goneBytes + data.length
      if (end > readTo) {
        readTo = end
        tail = Buffer.from(data.subarray(-TAIL_BYTES))
      }
      return data
    },
  }
}
