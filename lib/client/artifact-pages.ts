import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { JankinsError } from '../../protocol/errors.js'
import type { JobId } from '../../protocol/ids.js'
import type { ZipSource } from './archive/zip-source.js'
import type { OnProgress } from './progress.js'
import type { ResilientClient } from './resilient.js'

/** Pages that are asked for before the one in front of them is used: the line never idles for a round trip. */
const AHEAD_COUNT = 3

/**
 * The zip of a job's artifacts, read from the daemon page by page where it is wanted: what is kept is the page that was
 * read last, and those on their way behind it. The sum is made of the pages as they pass.
 */
class ArtifactPages implements ZipSource {
  readonly bytes: number
  readonly #client: ResilientClient
  readonly #job: JobId
  readonly #sha256: string
  readonly #onProgress: OnProgress | undefined
  readonly #pageBytes: number
  readonly #lastPage: number
  /** By their numbers. */
  readonly #pages = new Map<number, Promise<Buffer>>()
  readonly #sum = createHash('sha256')
  /** Pages from the first on that are in the sum. */
  #summedCount = 0
  #verified: Promise<void> | undefined

  constructor(client: ResilientClient, job: JobId, bytes: number, sha256: string, onProgress?: OnProgress) {
    this.bytes = bytes
    this.#client = client
    this.#job = job
    this.#sha256 = sha256
    this.#onProgress = onProgress
    this.#pageBytes = client.chunkBytesMax
    this.#lastPage = Math.max(0, Math.ceil(bytes / this.#pageBytes) - 1)
  }

  async read(at: number, bytesMax: number): Promise<Buffer> {
    const number = Math.floor(at / this.#pageBytes)
    const page = await this.#page(number)
    const from = at - number * this.#pageBytes
    return page.subarray(from, from + bytesMax)
  }

  verify(): Promise<void> {
    this.#verified ??= this.#sumUp()
    return this.#verified
  }

  async #sumUp(): Promise<void> {
    while (this.#summedCount <= this.#lastPage) await this.#page(this.#summedCount)
    if (this.#sum.digest('hex') !== this.#sha256) throw new JankinsError('E_CHECKSUM', { job: this.#job })
  }

  async #page(number: number): Promise<Buffer> {
    const last = Math.min(number + AHEAD_COUNT, this.#lastPage)
    for (const kept of this.#pages.keys()) if (kept < number || kept > last) this.#pages.delete(kept)
    for (let wanted = number; wanted <= last; wanted++)
      if (!this.#pages.has(wanted)) this.#pages.set(wanted, this.#ask(wanted))
    const page = await (this.#pages.get(number) as Promise<Buffer>)
    if (number === this.#summedCount) {
      this.#summedCount++
      this.#sum.update(page)
      this.#onProgress?.(Math.min(this.#summedCount * this.#pageBytes, this.bytes), this.bytes)
    }
    return page
  }

  #ask(number: number): Promise<Buffer> {
    const page = this.#load(number * this.#pageBytes)
    page.catch(() => {}) // it may fail while one before it is used
    return page
  }

  /** In one request, unless the daemon gives less at once than it was asked for. */
  async #load(offset: number): Promise<Buffer> {
    const end = Math.min(offset + this.#pageBytes, this.bytes)
    const pieces: Uint8Array[] = []
    for (let at = offset; at < end; ) {
      const bytesMax = Math.min(end - at, this.#client.chunkBytesMax)
      const { data, totalBytes } = await this.#client.call('artifact.read', { job: this.#job, offset: at, bytesMax })
      if (data.length === 0 || totalBytes !== this.bytes) throw new JankinsError('E_OFFSET', { length: at })
      pieces.push(data)
      at += data.length
    }
    const [only] = pieces
    return pieces.length === 1 && only ? Buffer.from(only.buffer, only.byteOffset, only.length) : Buffer.concat(pieces)
  }
}

/**
 * @param onProgress told as the sum goes on
 * @returns what throws, when read or verified: JankinsError E_CHECKSUM when the bytes are not those that the worker sent
 * @throws JankinsError E_NO_ARTIFACTS and what else artifact.read throws
 */
export async function openArtifacts(client: ResilientClient, job: JobId, onProgress?: OnProgress): Promise<ZipSource> {
  const { totalBytes, sha256 } = await client.call('artifact.read', { job, offset: 0, bytesMax: 1 })
  return new ArtifactPages(client, job, totalBytes, sha256, onProgress)
}
