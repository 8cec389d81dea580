import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { ZipMaking } from '../../../lib/client/archive/zip-making.js'

async function* piecesOf(zip: ZipMaking, pieceBytes: number): AsyncGenerator<Buffer> {
  let offset = 0
  for (;;) {
    const piece = await zip.read(offset, Buffer.allocUnsafe(pieceBytes))
    if (!piece) return
    offset += piece.length
    yield piece
  }
}

/** The archive, read in pieces that end anywhere. */
export const bytesOf = (zip: ZipMaking, pieceBytes = 1_009): Promise<Buffer> =>
  buffer(Readable.from(piecesOf(zip, pieceBytes)))

/** The archive in a file. */
export const writeZip = (zip: ZipMaking, path: string): Promise<void> =>
  pipeline(piecesOf(zip, 1_000_000), createWriteStream(path))
