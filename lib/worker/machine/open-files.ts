import { Buffer } from 'node:buffer'
import { closeSync, openSync, read, readSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'

const readLater = promisify(read)
const writeLater = promisify(write)

/** What is read at once: so little comes from memory, as a rule, where its writer has just left it. */
const LITTLE_BYTES = 64 * 1024

/** Files of one attempt, each opened once and read and written in place. */
export interface OpenFiles {
  /** @param flags as of open(2); what is made has mode 0600 @throws what the file system says */
  open(path: string, flags: string | number): void
  /** Bytes of an open file; fewer at its end. @param into at least `bytesMax` long, to be read into */
  read(path: string, offset: number, bytesMax: number, into?: Buffer): Promise<Buffer>
  /** At once the first time, which makes the file; later nothing waits for the disk. */
  write(path: string, text: string): Promise<void>
  /** Behind what is being read and written; a file that is asked for later is opened anew. */
  close(): Promise<void>
}

export function createOpenFiles(): OpenFiles {
  const fds = new Map<string, number>()
  const written = new Set<string>()
  // A number is given anew as soon as it is closed: what is under way would read another file.
  const underWay = new Set<Promise<unknown>>()
  const track = async <T>(work: Promise<T>): Promise<T> => {
    underWay.add(work)
    try {
      return await work
    } finally {
      underWay.delete(work)
    }
  }
  const fdOf = (path: string): number => {
    const fd = fds.get(path)
    if (fd === undefined) throw new Error(`${path} is not open`)
    return fd
  }
  return {
    open(path, flags) {
      if (!fds.has(path)) fds.set(path, openSync(path, flags, 0o600))
    },
    async read(path, offset, bytesMax, buffer = Buffer.allocUnsafe(bytesMax)) {
      const fd = fdOf(path)
      const bytesRead =
        bytesMax <= LITTLE_BYTES
          ? readSync(fd, buffer, 0, bytesMax, offset)
          : (await track(readLater(fd, buffer, 0, bytesMax, offset))).bytesRead
      return buffer.subarray(0, bytesRead)
    },
    async write(path, text) {
      const fd = fdOf(path)
      if (written.has(path)) await track(writeLater(fd, text, 0))
      else writeSync(fd, text, 0)
      written.add(path)
    },
    async close() {
      await Promise.allSettled(underWay)
      const open = [...fds.values()]
      fds.clear()
      written.clear()
      for (const fd of open) closeSync(fd)
    },
  }
}
