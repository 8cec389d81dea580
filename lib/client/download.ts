import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { JankinsError } from '../../protocol/errors.js'
import type { JobId } from '../../protocol/ids.js'
import type { Result } from '../../protocol/methods.js'
import type { ResilientClient } from './resilient.js'

/** Told after each chunk. */
export type OnProgress = (doneBytes: number, totalBytes: number) => void

type Page = Result<'artifact.read'>
interface Ahead {
  readonly bytesMax: number
  readonly page: Promise<Page>
}

/** Chunks that are asked for before the ones in front of them have come: the line never idles for a round trip. */
const AHEAD_COUNT = 3

/**
 * Writes the zip of a job's artifacts into `file`, from its start, and checks it. Constant memory for any size.
 * @returns its size, bytes
 * @throws JankinsError E_CHECKSUM when the bytes are not those that the worker sent, and what artifact.read throws
 */
export async function downloadArtifacts(
  client: ResilientClient,
  job: JobId,
  file: FileHandle,
  onProgress?: OnProgress,
): Promise<number> {
  const hash = createHash('sha256')
  let ahead: Ahead[] = []
  let askedBytes = 0
  let doneBytes = 0
  const ask = (): void => {
    const bytesMax = client.chunkBytesMax
    const page = client.call('artifact.read', { job, offset: askedBytes, bytesMax })
    page.catch(() => {}) // it may fail while one before it is being written
    ahead.push({ bytesMax, page })
    askedBytes += bytesMax
  }
  ask()
  for (;;) {
    const head = ahead.shift() as Ahead
    const { data, totalBytes, sha256 } = await head.page
    // The write is another thread's work: this one has the sum to make meanwhile.
    const writing = writeAll(file, data, doneBytes)
    hash.update(data)
    await writing
    doneBytes += data.length
    onProgress?.(doneBytes, totalBytes)
    if (doneBytes >= totalBytes) {
      if (doneBytes > totalBytes || hash.digest('hex') !== sha256) throw new JankinsError('E_CHECKSUM', { job })
      return doneBytes
    }
    if (data.length === 0) throw new JankinsError('E_OFFSET', { length: doneBytes })
    if (data.length < head.bytesMax) {
      // A short page: what was asked for behind it begins at the wrong places.
      ahead = []
      askedBytes = doneBytes
    }
    while (ahead.length === 0 || (ahead.length < AHEAD_COUNT && askedBytes < totalBytes)) ask()
  }
}

async function writeAll(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.length; )
    done += (await file.write(data, done, data.length - done, position + done)).bytesWritten
}
