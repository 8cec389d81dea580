import type { Socket } from 'node:net'

/** Bytes that are handed to the socket at once: how finely progress of a slow reader is seen. */
const PIECE_BYTES_MIN = 64 * 1024
/** For a reader whose socket has just taken a whole piece at once. */
const PIECE_BYTES_MAX = 256 * 1024

interface Entry {
  bytes: Buffer
  /** Bytes of bodies that the thread may produce anew when this has left. */
  readonly credit: number
  /** Requests whose last byte this is. */
  handled: number
}

/** Replies of one connection on their way out: tells when bytes have left and how long the reader takes none. */
export class Outbox {
  readonly #socket: Socket
  readonly #onLeft: (creditBytes: number, handledCount: number) => void
  readonly #onIdle: () => void
  readonly #entries: Entry[] = []
  #unsentBytes = 0
  #isWriting: boolean = false
  #isFinished: boolean = false
  #leftBytes = 0
  #pieceBytesMax = PIECE_BYTES_MIN

  /** @param onLeft may be called from within `push`; @param onIdle when everything has left */
  constructor(socket: Socket, onLeft: (creditBytes: number, handledCount: number) => void, onIdle: () => void) {
    this.#socket = socket
    this.#onLeft = onLeft
    this.#onIdle = onIdle
  }

  get unsentBytes(): number {
    return this.#unsentBytes
  }
  /** Counts up for ever: no change while bytes wait means that the reader takes none. */
  get leftBytes(): number {
    return this.#leftBytes
  }

  push(bytes: Buffer, credit: number): void {
    if (this.#isFinished) return
    this.#entries.push({ bytes, credit, handled: 0 })
    this.#unsentBytes += bytes.length
  }

  /** Requests that count as answered when everything pushed so far has left. */
  handled(count: number): void {
    const last = this.#entries.at(-1)
    if (last) last.handled += count
    else this.#onLeft(0, count)
  }

  /** Sends what waits, then ends the socket's writing side; later pushes are dropped. */
  finish(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    if (this.#entries.length === 0 && !this.#isWriting) this.#socket.end()
  }

  /** Hands on what the socket takes. */
  flush(): void {
    if (this.#isWriting || this.#entries.length === 0 || this.#socket.destroyed) return
    this.#isWriting = true
    let pieceBytes = 0
    const sent: Entry[] = []
    // A single piece goes straight to the socket.
    const isCorked = this.#entries.length > 1
    if (isCorked) this.#socket.cork()
    while (this.#entries.length > 0 && pieceBytes < this.#pieceBytesMax) {
      const entry = this.#entries[0]!
      const piece = entry.bytes.subarray(0, this.#pieceBytesMax - pieceBytes)
      entry.bytes = entry.bytes.subarray(piece.length)
      pieceBytes += piece.length
      if (entry.bytes.length === 0) sent.push(this.#entries.shift()!)
      const isLast = this.#entries.length === 0 || pieceBytes >= this.#pieceBytesMax
      if (isLast)
        this.#socket.write(piece, error => {
          if (!error) this.#left(pieceBytes, sent)
        })
      else this.#socket.write(piece)
    }
    if (isCorked) this.#socket.uncork()
    if (this.#socket.writableLength > 0) this.#pieceBytesMax = PIECE_BYTES_MIN
    else if (pieceBytes === this.#pieceBytesMax) this.#pieceBytesMax = Math.min(2 * pieceBytes, PIECE_BYTES_MAX)
  }

  #left(bytes: number, sent: readonly Entry[]): void {
    this.#isWriting = false
    this.#unsentBytes -= bytes
    this.#leftBytes += bytes
    let credit = 0
    let handled = 0
    for (const entry of sent) {
      credit += entry.credit
      handled += entry.handled
    }
    this.#onLeft(credit, handled)
    if (this.#entries.length > 0) this.flush()
    else if (this.#isFinished) this.#socket.end()
    else this.#onIdle()
  }
}
