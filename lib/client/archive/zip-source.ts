import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { RandomAccessReader } from 'yauzl'

/** The bytes of an archive, wherever they lie. */
export interface ZipSource {
  /** How many there are. */
  readonly bytes: number
  /**
   * At least one byte from `at` on, and at most `bytesMax`: not to be written to. Cheap where the read before ended.
   * @param at below `bytes`
   */
  read(at: number, bytesMax: number): Promise<Buffer>
  /** Reads what was not read yet. @throws when the whole is not what it should be */
  verify(): Promise<void>
}

/** What is read and handed on at once: streams do it by 16 KiB, which takes ten times as many turns. */
export const PIECE_BYTES = 1024 * 1024

/** The bytes from `start` to before `end`, in order; the next piece is on its way while one is worked on. */
export async function* piecesOf(source: ZipSource, start: number, end: number): AsyncGenerator<Buffer, void, void> {
  const read = (at: number): Promise<Buffer> | undefined => {
    const piece = at < end ? source.read(at, Math.min(PIECE_BYTES, end - at)) : undefined
    piece?.catch(() => {}) // nobody may ask for it any more
    return piece
  }
  for (let at = start, next = read(at); next; ) {
    const piece: Buffer = await next
    at += piece.length
    next = read(at)
    yield piece
  }
}

/** For archives that fit into memory. */
export async function readWhole(source: ZipSource): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of piecesOf(source, 0, source.bytes)) pieces.push(piece)
  return Buffer.concat(pieces, source.bytes)
}

/** What went wrong with the bytes, on its way through a library that knows only of archives. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
}

const wrapped = (cause: unknown): SourceError => new SourceError('the archive could not be read', { cause })

/** How yauzl reads a source. */
export class SourceReader extends RandomAccessReader {
  readonly #source: ZipSource

  constructor(source: ZipSource) {
    super()
    this.#source = source
  }

  override createReadStream({ start, end }: { start: number; end: number }): Readable {
    return Readable.from(this.#pieces(start, end), { objectMode: false })
  }

  override read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#fill(into.subarray(offset, offset + length), position).then(
      bytesRead => done(null, bytesRead),
      (error: Error) => done(error),
    )
  }

  async *#pieces(start: number, end: number): AsyncGenerator<Buffer, void, void> {
    try {
      yield* piecesOf(this.#source, start, end)
    } catch (error) {
      throw wrapped(error)
    }
  }

  async #fill(into: Buffer, position: number): Promise<number> {
    const end = Math.min(position + into.length, this.#source.bytes)
    let filled = 0
    for await (const piece of this.#pieces(position, end)) filled += piece.copy(into, filled)
    return filled
  }
}
