import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { Entry, ZipFile } from 'yauzl'
import { ArchiveError } from './archive-error.js'
import { STORED } from './zip-entry.js'
import { PIECE_BYTES, piecesOf, SourceError, type ZipSource } from './zip-source.js'

/** An archive, and its bytes once more for what is read without yauzl. */
export interface OpenZip {
  readonly zip: ZipFile
  readonly source: ZipSource
}

/**
 * Hands out the bytes of an entry, large pieces in their order, and checks them.
 * @param path for the message
 * @param write is waited for: no two at once
 * @throws ArchiveError when they are fewer or others than the archive claims, possibly after some were handed out
 */
export async function readEntry(
  open: OpenZip,
  path: string,
  entry: Entry,
  write: (piece: Buffer) => Promise<void>,
): Promise<void> {
  let crc = 0
  const pieces = entry.compressionMethod === STORED ? storedPieces(open, entry) : unpackedPieces(open, entry)
  for await (const piece of pieces) {
    if (piece.length === 0) continue // crc32 of nothing forgets the value that it was given
    const writing = write(piece)
    crc = crc32(piece, crc)
    await writing
  }
  if (crc !== entry.crc32) throw new ArchiveError(`${JSON.stringify(path)} is damaged`)
}

/** yauzl says where they lie, inside the archive. */
async function* storedPieces({ zip, source }: OpenZip, entry: Entry): AsyncGenerator<Buffer, void, void> {
  const { fileDataStart } = await guard(zip.readLocalFileHeaderPromise(entry, { minimal: true }))
  yield* piecesOf(source, fileDataStart, fileDataStart + entry.compressedSize)
}

/** yauzl holds the bytes to the size that was claimed. */
async function* unpackedPieces({ zip }: OpenZip, entry: Entry): AsyncGenerator<Buffer, void, void> {
  const stream: Readable = await guard(zip.openReadStreamPromise(entry))
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]()
  let gathered: Buffer[] = []
  let bytes = 0
  try {
    for (let next = await guard(chunks.next()); !next.done; next = await guard(chunks.next())) {
      gathered.push(next.value)
      bytes += next.value.length
      if (bytes < PIECE_BYTES) continue
      yield Buffer.concat(gathered, bytes)
      gathered = []
      bytes = 0
    }
    yield Buffer.concat(gathered, bytes)
  } finally {
    stream.destroy()
  }
}

/** What yauzl rejects with is about the archive, unless its bytes could not be had. */
export async function guard<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof ArchiveError) throw error
    if (error instanceof SourceError) throw error.cause
    throw new ArchiveError(`not a zip that can be read: ${error instanceof Error ? error.message : error}`)
  }
}
