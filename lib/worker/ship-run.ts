import { Buffer } from 'node:buffer'

/** Bytes of a part on their way to the daemon. */
export interface Supply {
  /** Infinity as long as it is not known. */
  readonly end: number
  /** At most `bytesMax`, into `into` where it can; undefined: it has turned out that `offset` is the end. */
  read(offset: number, bytesMax: number, into: Buffer): Promise<Buffer | undefined>
}

/**
 * One run of chunks, with as many under way as `window` says, up to the end or to the first that did not fit.
 * @param append tells the daemon's length, and whether the chunk did not fit there
 * @returns the daemon's length
 */
export async function shipRun(
  from: number,
  supply: Supply,
  chunkBytes: number,
  window: number,
  append: (offset: number, data: Buffer) => Promise<{ length: number; moved: boolean }>,
): Promise<number> {
  let next = from
  let stored = from
  let moved: number | undefined
  let isBroken: boolean = false
  let reading: Promise<unknown> = Promise.resolve()
  const stop = (error: unknown): never => {
    isBroken = true
    throw error
  }
  // One read at a time: the checksum goes through the bytes in order.
  const take = async (into: Buffer): Promise<{ offset: number; data: Buffer } | undefined> => {
    if (next >= supply.end || moved !== undefined || isBroken) return undefined
    const offset = next
    const data = await supply.read(offset, Math.min(chunkBytes, supply.end - offset), into).catch(stop)
    if (!data) return undefined
    next = offset + data.length
    return { offset, data }
  }
  // Each lane reads into memory of its own again and again: of new memory each chunk would soon be garbage.
  const lane = async (): Promise<void> => {
    const into = Buffer.allocUnsafeSlow(Math.min(chunkBytes, supply.end - from))
    for (;;) {
      const taken = reading.then(() => take(into))
      reading = taken.catch(() => {})
      const chunk = await taken
      if (!chunk) return
      const answer = await append(chunk.offset, chunk.data).catch(stop)
      if (answer.moved) moved = Math.min(moved ?? answer.length, answer.length)
      else stored = Math.max(stored, answer.length)
    }
  }
  // All of them: whoever hears of an error may be sure that nothing is read any more.
  const ends = await Promise.allSettled(Array.from({ length: window }, lane))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return moved ?? stored
}
