import { Buffer } from 'node:buffer'
import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { parseSha256, type Sha256 } from '../../../protocol/ids.js'
import { assert } from '../../base/assert.js'
import { ArchiveError } from './archive-error.js'
import { ARTIFACT_LIMITS } from './archive-limits.js'
import { isPacked } from './packed-names.js'
import type { TreeFile } from './tree-files.js'

/** Times that every reader of zips understands: 1980-01-02 to 2037-12-31. */
const MTIME_MS_MIN = Date.UTC(1980, 0, 2)
const MTIME_MS_MAX = Date.UTC(2037, 11, 31)

/** Smaller files are stored: a compressor of their own costs more than they could save. */
const COMPRESSED_BYTES_MIN = 512
/** Read at once: each piece is a round through six streams and the pool of threads. */
const READ_BYTES = 512 * 1024

/** Of an archive that was made to its end. */
export interface MadeZip {
  readonly bytes: number
  readonly sha256: Sha256
}

interface Run {
  readonly pieces: AsyncIterator<Buffer>
  readonly sum: Hash
  close(): void
}

/**
 * An archive that is made while it is read, and lies nowhere: neither memory nor disk grow with the files. The same files
 * make the same bytes, so what was read once can be made again.
 */
export class ZipMaking {
  readonly #found: readonly TreeFile[]
  #run: Run | undefined
  /** The next byte that the run gives, and what was read from it already behind that. */
  #offset = 0
  #piece: Buffer | undefined
  #made: MadeZip | undefined

  constructor(found: readonly TreeFile[]) {
    this.#found = found
  }

  /** Known once it was read to its end; begun anew, it has to be read to its end again. */
  get made(): MadeZip | undefined {
    return this.#made
  }

  /**
   * As many bytes from `offset` on as `into` holds, fewer at the end, undefined behind it. In order is cheap: to go back
   * makes everything before it again. One call at a time.
   * @throws ArchiveError, and what the file system says, when a file cannot be read or has changed
   */
  async read(offset: number, into: Buffer): Promise<Buffer | undefined> {
    if (!this.#run || offset < this.#offset) this.#begin()
    while (this.#offset < offset) if (!(await this.#take(offset - this.#offset))) return undefined
    let filled = 0
    while (filled < into.length) {
      const piece = await this.#take(into.length - filled)
      if (!piece) break
      filled += piece.copy(into, filled)
    }
    return filled > 0 ? into.subarray(0, filled) : undefined
  }

  /** Closes the file that is being read. */
  close(): void {
    this.#run?.close()
    this.#run = undefined
  }

  #begin(): void {
    this.close()
    this.#offset = 0
    this.#piece = undefined
    this.#made = undefined
    this.#run = startRun(this.#found)
  }

  async #take(bytesMax: number): Promise<Buffer | undefined> {
    this.#piece ??= await this.#next()
    const taken = this.#piece?.subarray(0, bytesMax)
    if (!taken || !this.#piece) return undefined
    this.#piece = taken.length < this.#piece.length ? this.#piece.subarray(taken.length) : undefined
    this.#offset += taken.length
    return taken
  }

  async #next(): Promise<Buffer | undefined> {
    if (!this.#run || this.#made) return undefined
    const { pieces, sum } = this.#run
    const next = await pieces.next().catch((error: unknown) => {
      this.close() // asked again it would say that this was the end
      throw error
    })
    if (!next.done) {
      sum.update(next.value)
      return next.value
    }
    checkRatio(this.#found, this.#offset)
    const sha256 = parseSha256(sum.digest('hex'))
    assert(sha256, 'a SHA-256 is 64 hex digits')
    this.#made = { bytes: this.#offset, sha256 }
    return undefined
  }
}

/** @throws ArchiveError when what unpacks it would refuse it */
function checkRatio(found: readonly TreeFile[], zipBytes: number): void {
  const bytes = found.reduce((sum, file) => sum + file.bytes, 0)
  if (bytes > ARTIFACT_LIMITS.ratioFreeBytes && bytes > zipBytes * ARTIFACT_LIMITS.ratioMax)
    throw new ArchiveError(`${bytes} bytes became ${zipBytes}: this could not be told from a bomb`)
}

function startRun(found: readonly TreeFile[]): Run {
  const zip = new ZipFile()
  const stream = zip.outputStream
  // Itself, and nothing around it: what waits for its next bytes does not hear of an error otherwise.
  assert(stream instanceof Readable, 'yazl gives out a stream of node')
  zip.on('error', error => stream.destroy(error))
  const files = addEntries(zip, found)
  return {
    pieces: stream[Symbol.asyncIterator](),
    sum: createHash('sha256'),
    close() {
      files.close()
      stream.destroy()
    },
  }
}

/**
 * Directories and symlinks first: yazl recurses over what it can write at once, and these it writes as they come.
 * The files follow one at a time, so that no more than one is open.
 */
function addEntries(zip: ZipFile, found: readonly TreeFile[]): { close(): void } {
  for (const file of found) if (file.kind === 'directory') zip.addEmptyDirectory(file.path, attributes(file, 0o040000))
  for (const file of found)
    if (file.target !== undefined)
      zip.addBuffer(Buffer.from(file.target), file.path, { ...attributes(file, 0o120000), compress: false })
  const files = found.filter(({ kind }) => kind === 'file')
  let reading: Readable | undefined
  const addNext = (index: number): void => {
    const file = files[index]
    if (!file) {
      zip.end()
      return
    }
    const compressionLevel = file.bytes < COMPRESSED_BYTES_MIN || isPacked(file.path) ? 0 : 1
    const options = { ...attributes(file, 0o100000), size: file.bytes, compressionLevel }
    zip.addReadStreamLazy(file.path, options, give => {
      const start = (handle: FileHandle): void => {
        reading = handle.createReadStream({ highWaterMark: READ_BYTES })
        reading.on('error', error => zip.emit('error', error))
        give(null, reading)
        addNext(index + 1)
      }
      open(file.absolute, constants.O_RDONLY | constants.O_NOFOLLOW).then(start, error => zip.emit('error', error))
    })
  }
  addNext(0)
  return { close: () => void reading?.destroy() }
}

const attributes = (file: TreeFile, type: number): { mode: number; mtime: Date } => ({
  mode: type | file.mode,
  mtime: new Date(Math.min(MTIME_MS_MAX, Math.max(MTIME_MS_MIN, file.mtimeMs))),
})
