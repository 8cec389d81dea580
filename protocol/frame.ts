import { Buffer } from 'node:buffer'
import { JankinsError } from './errors.js'

/** Bytes in the length prefix: uint32, big endian; it does not count itself. PROTOCOL.md §2. */
export const HEADER_BYTES = 4

const NOTHING = Buffer.alloc(0)

/** A frame that holds a copy of `body`: at most 2^32 - 1 bytes. */
export function encodeFrame(body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  frame.writeUInt32BE(body.length, 0)
  frame.set(body, HEADER_BYTES)
  return frame
}

/** A frame gets a buffer of its whole size once so many-th part of it is there: memory follows what has arrived. */
const WHOLE_PART = 8
/** To read less than that by itself costs more than to copy it. */
const ROOM_BYTES_MIN = 16 * 1024

/** Where large frames may lie. */
export interface FrameMemory {
  /** Exactly `bytes` for a frame with its prefix; undefined where it has to have memory of its own. */
  take(bytes: number): Buffer | undefined
  /** Of a frame that does not come. The body of one that has come is its holder's to give back. */
  giveBack(memory: Buffer): void
}

/**
 * Cuts a byte stream into frame bodies. Owns no socket and no timer, so a test can feed it byte by byte. What it holds
 * is at most WHOLE_PART times what was pushed and not yet returned: an announced length alone costs nothing.
 */
export class FrameDecoder {
  /** Largest body that is let in. May be raised between frames; bytes that are held already are judged by the new one. */
  bodyBytesMax: number
  #held: Buffer = NOTHING
  #start = 0
  #end = 0
  /** Whether #held is this decoder's alone, or the last chunk itself. */
  #owned: boolean = false
  /** The end of the last chunk, where the frame before it is exactly complete. */
  #rest: Buffer = NOTHING
  #tooLarge: JankinsError | undefined
  readonly #memory: FrameMemory | undefined
  /** Whether #held is of #memory. */
  #isLent: boolean = false

  constructor(bodyBytesMax: number, memory?: FrameMemory) {
    this.bodyBytesMax = bodyBytesMax
    this.#memory = memory
  }

  /** Bytes that were pushed and not yet returned. */
  get heldBytes(): number {
    return this.#end - this.#start + this.#rest.length
  }

  /** Length of the body of the frame at the head, bytes, as soon as its whole prefix is there. */
  get announcedBytes(): number | undefined {
    return this.#end - this.#start < HEADER_BYTES ? undefined : this.#held.readUInt32BE(this.#start)
  }

  /**
   * Where the next bytes of the stream may be put, all of the large frame at the head: what is put there, from the
   * start, and then pushed is not copied. Undefined while there is no such place; valid until the next call.
   */
  get room(): Buffer | undefined {
    const { announcedBytes } = this
    const isWhole = this.#owned && announcedBytes !== undefined && this.#held.length === HEADER_BYTES + announcedBytes
    return isWhole && this.#held.length - this.#end >= ROOM_BYTES_MIN ? this.#held.subarray(this.#end) : undefined
  }

  /**
   * Takes the next bytes of the stream. The chunk is not copied before it must be: leave it as it is until `next` has
   * returned undefined, `keep` was called, or another chunk was pushed.
   */
  push(chunk: Buffer): void {
    if (this.#tooLarge || chunk.length === 0) return
    // It was put into `room`: nobody else has a view on that memory.
    if (this.#owned && chunk.buffer === this.#held.buffer) {
      this.#end += chunk.length
      return
    }
    if (this.heldBytes === 0) {
      this.#hold(chunk, chunk.length, false)
      return
    }
    this.#takeRest()
    this.#makeRoom(chunk.length)
    const copied = chunk.copy(this.#held, this.#end)
    this.#end += copied
    this.#rest = chunk.subarray(copied)
  }

  /** Copies what is held of the last chunk: its memory may be used again although frames wait in it. */
  keep(): void {
    this.#takeRest()
    if (!this.#owned && this.heldBytes > 0) this.#moveTo(this.heldBytes)
  }

  /** Gives back what it holds: nothing more is pushed. */
  drop(): void {
    this.#rest = NOTHING
    this.#moveTo(0)
  }

  /**
   * The next complete body, oldest first, or undefined. A body is the caller's: nothing writes to its bytes later.
   * @throws JankinsError E_FRAME_TOO_LARGE as soon as a prefix announces more than `bodyBytesMax`: nothing of that
   * frame is kept, later bytes are dropped, later calls throw the same
   */
  next(): Buffer | undefined {
    if (this.#tooLarge) throw this.#tooLarge
    const bodyBytes = this.announcedBytes
    if (bodyBytes === undefined) return this.#waitForMore()
    if (bodyBytes > this.bodyBytesMax) {
      this.#hold(NOTHING, 0, false)
      this.#rest = NOTHING
      this.#tooLarge = new JankinsError('E_FRAME_TOO_LARGE', { bytes: bodyBytes, bytesMax: this.bodyBytesMax })
      throw this.#tooLarge
    }
    if (this.#end - this.#start < HEADER_BYTES + bodyBytes) return this.#waitForMore()
    const bodyStart = this.#start + HEADER_BYTES
    const view = this.#held.subarray(bodyStart, bodyStart + bodyBytes)
    const isAlone = this.#owned && this.#start === 0 && view.length === this.#held.length - HEADER_BYTES
    const body = isAlone ? view : Buffer.from(view)
    this.#start = bodyStart + bodyBytes
    if (this.#start === this.#end) {
      this.#hold(this.#rest, this.#rest.length, false)
      this.#rest = NOTHING
    }
    return body
  }

  /** Keeps the beginning of a frame in a buffer of its own: a view would keep the whole chunk alive. */
  #waitForMore(): undefined {
    if (this.heldBytes > 0 && (!this.#owned || this.#start > 0)) this.#keepBegin()
    return undefined
  }

  #makeRoom(bytes: number): void {
    const held = this.#end - this.#start
    const wholeBytes = this.#wholeBytes(held + bytes)
    if (wholeBytes !== undefined) {
      if (!this.#owned || this.#held.length !== wholeBytes || this.#start > 0) this.#moveToWhole(wholeBytes)
      return
    }
    // Doubling makes a frame of many chunks cost one copy of each byte on average, not one per chunk.
    if (!this.#owned || this.#held.length - this.#end < bytes) this.#moveTo(Math.max(held + bytes, 2 * held))
  }

  /** Size of the frame at the head with its prefix, where it is not there as a whole and `bytes` are enough of it. */
  #wholeBytes(bytes: number): number | undefined {
    const { announcedBytes } = this
    if (announcedBytes === undefined || announcedBytes > this.bodyBytesMax) return undefined
    const wholeBytes = HEADER_BYTES + announcedBytes
    return this.#end - this.#start < wholeBytes && wholeBytes <= WHOLE_PART * bytes ? wholeBytes : undefined
  }

  #takeRest(): void {
    const rest = this.#rest
    if (rest.length === 0) return
    this.#rest = NOTHING
    this.#moveTo(this.#end - this.#start + rest.length)
    this.#end += rest.copy(this.#held, this.#end)
  }

  #keepBegin(): void {
    const wholeBytes = this.#wholeBytes(this.heldBytes)
    if (wholeBytes === undefined) this.#moveTo(this.heldBytes)
    else this.#moveToWhole(wholeBytes)
  }

  #moveToWhole(wholeBytes: number): void {
    const lent = this.#memory?.take(wholeBytes)
    this.#moveTo(wholeBytes, lent)
    this.#isLent = lent !== undefined
  }

  /** Not to node's pool: a few bytes that wait would keep 8 KiB alive there. */
  #moveTo(capacity: number, moved: Buffer = Buffer.allocUnsafeSlow(capacity)): void {
    const bytes = this.#held.copy(moved, 0, this.#start, this.#end)
    if (this.#isLent) this.#memory?.giveBack(this.#held)
    this.#hold(moved, bytes, true)
  }

  #hold(buffer: Buffer, bytes: number, owned: boolean): void {
    this.#isLent = false
    this.#held = buffer
    this.#start = 0
    this.#end = bytes
    this.#owned = owned
  }
}
