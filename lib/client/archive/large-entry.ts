import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { Entry, ZipFile } from 'yauzl'
import { ArchiveError } from './archive-error.js'
import { decodeText, STORED } from './zip-entry.js'

/** An archive, and its file once more for what is read without yauzl. */
export interface OpenZip {
  readonly zip: ZipFile
  readonly file: FileHandle
}

/** What is read and handed on at once: streams do it by 16 KiB, which takes ten times as many system calls. */
const PIECE_BYTES = 512 * 1024

/**
 * Hands out the bytes of an entry, large pieces in their order, and checks them.
 * @param write is waited for: the next piece may lie in the same memory
 * @throws ArchiveError when they are fewer or others than the archive claims, possibly after some were handed out
 */
export async function readEntry(open: OpenZip, source: Entry, write: (piece: Buffer) => Promise<void>): Promise<void> {
  let crc = 0
  const pieces = source.compressionMethod === STORED ? storedPieces(open, source) : unpackedPieces(open, source)
  for await (const piece of pieces) {
    if (piece.length === 0) continue // crc32 of nothing forgets the value that it was given
    const writing = write(piece)
    crc = crc32(piece, crc)
    await writing
  }
  if (crc !== source.crc32) throw new ArchiveError(`${JSON.stringify(decodeText(source.fileNameRaw))} is damaged`)
}

/** yauzl says where they lie, inside the file. */
async function* storedPieces({ zip, file }: OpenZip, source: Entry): AsyncGenerator<Buffer> {
  const { fileDataStart } = await guard(zip.readLocalFileHeaderPromise(source, { minimal: true }))
  const bytes = source.compressedSize
  const pieceBytes = Math.min(PIECE_BYTES, bytes)
  // In turns: one piece is read while the one before it is written.
  const halves = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)] as const
  const read = async (into: Buffer, from: number): Promise<Buffer> => {
    const { bytesRead } = await file.read(into, 0, Math.min(into.length, bytes - from), fileDataStart + from)
    if (bytesRead === 0) throw new ArchiveError('the archive was cut while it was read')
    return into.subarray(0, bytesRead)
  }
  let next = bytes > 0 ? read(halves[0], 0) : undefined
  for (let done = 0, half: 0 | 1 = 1; next; half = half === 0 ? 1 : 0) {
    const piece: Buffer = await next
    done += piece.length
    next = done < bytes ? read(halves[half], done) : undefined
    next?.catch(() => {}) // nobody may ask for it any more
    yield piece
  }
}

/** yauzl holds the bytes to the size that was claimed. */
async function* unpackedPieces({ zip }: OpenZip, source: Entry): AsyncGenerator<Buffer> {
  const stream: Readable = await guard(zip.openReadStreamPromise(source))
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

/** What yauzl rejects with is about the archive, unless it is about the file. */
export async function guard<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof ArchiveError || (error instanceof Error && 'syscall' in error)) throw error
    throw new ArchiveError(`not a zip that can be read: ${error instanceof Error ? error.message : error}`)
  }
}
