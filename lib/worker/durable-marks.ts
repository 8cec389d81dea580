import type { StreamMark } from './ports.js'

/** Marks are kept this far apart: 16 bytes for each MiB that is not durable yet. */
const APART_BYTES = 1024 * 1024

/**
 * Where one stream may lose its begin at the worker: the daemon says up to where it can lose nothing any more, and the
 * checksum has to be known at exactly the place where the rest begins.
 */
export class DurableMarks {
  readonly #stepBytes: number
  readonly #marks: StreamMark[] = []
  #durableBytes = 0
  #freedBytes: number

  /** @param stepBytes the least that is worth freeing at once */
  constructor(stepBytes: number, freedBytes = 0) {
    this.#stepBytes = stepBytes
    this.#freedBytes = freedBytes
  }

  get freedBytes(): number {
    return this.#freedBytes
  }

  /** The stream was read up to here, in order. */
  passed(mark: StreamMark): void {
    const last = this.#marks.at(-1)?.bytes ?? this.#freedBytes
    if (mark.bytes - last >= Math.min(APART_BYTES, this.#stepBytes)) this.#marks.push(mark)
  }

  durable(bytes: number): void {
    this.#durableBytes = Math.max(this.#durableBytes, bytes)
  }

  /** Bytes of a stream of this length that are not known to be durable. */
  undurableBytes(length: number): number {
    return length - this.#durableBytes
  }

  /** What may be freed now, once: everything before this mark. Undefined when it is not worth it yet. */
  take(): StreamMark | undefined {
    const index = this.#marks.findLastIndex(({ bytes }) => bytes <= this.#durableBytes)
    const mark = this.#marks[index]
    if (!mark || mark.bytes - this.#freedBytes < this.#stepBytes) return undefined
    this.#marks.splice(0, index + 1)
    this.#freedBytes = mark.bytes
    return mark
  }
}
