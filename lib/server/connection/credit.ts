import { JankinsError } from '../../../protocol/errors.js'

/** What a session may say before the peer has read any of it, bytes; the last reply of that may go beyond. */
const START_BYTES = 512 * 1024

/**
 * How many bytes a session may still produce. A reply may take it below zero, and nothing is begun while it is there:
 * a peer that does not read costs what was in hand, and no more.
 */
export class Credit {
  #bytes = START_BYTES
  #closed: boolean = false
  readonly #waiting: { readonly bytes: number; readonly resolve: () => void; readonly reject: (e: Error) => void }[] =
    []

  get isPositive(): boolean {
    return this.#bytes > 0
  }

  add(bytes: number): void {
    this.#bytes += bytes
    this.#wake()
  }

  spend(bytes: number): void {
    this.#bytes -= bytes
    this.#wake()
  }

  /** For one request: what it sets aside is given back by `close`, when its reply is about to be spent. */
  open(): { reserve(bytes: number): Promise<void>; close(): void } {
    let reservedBytes = 0
    return {
      reserve: async bytes => {
        await this.#take(bytes)
        reservedBytes += bytes
      },
      close: () => {
        // The reply is spent in the same turn: giving back must wake nobody before that.
        this.#bytes += reservedBytes
        reservedBytes = 0
      },
    }
  }

  /** The peer is gone: whoever waits for it to read is told. */
  close(): void {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(new JankinsError('E_CANCELLED'))
  }

  #take(bytes: number): Promise<void> {
    if (this.#closed) return Promise.reject(new JankinsError('E_CANCELLED'))
    if (this.#bytes > 0 && this.#waiting.length === 0) {
      this.#bytes -= bytes
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => this.#waiting.push({ bytes, resolve, reject }))
  }

  #wake(): void {
    while (this.#bytes > 0) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#bytes -= next.bytes
      next.resolve()
    }
  }
}
