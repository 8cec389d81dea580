export interface DeadlineLimits {
  /** From the connection to the end of the authentication, ms. */
  readonly handshakeMs: number
  /** Without a byte taken by a reader that has some to take, ms. */
  readonly stallMs: number
  /** From the first byte of a frame to its last, ms. */
  readonly frameMs: number
}

/** How long a peer may take to close after the daemon did, ms. */
const LINGER_MS = 2_000

/** What a sweep sees of a connection. */
export interface Progress {
  readonly unsentBytes: number
  /** Counts up for ever. */
  readonly leftBytes: number
  readonly isFrameBegun: boolean
  readonly isClosing: boolean
}

/** Tells what takes too long from looks that are taken now and then: no timer and no clock for each byte. */
export class Deadlines {
  isReady: boolean = false
  readonly #limits: DeadlineLimits
  #openedAtMs: number
  #leftBytes = 0
  #tookAtMs: number
  #frameBeganAtMs: number | undefined
  #closingAtMs: number | undefined

  constructor(limits: DeadlineLimits, nowMs: number) {
    this.#limits = limits
    this.#openedAtMs = nowMs
    this.#tookAtMs = nowMs
  }

  /** The time to authenticate begins anew. */
  restart(nowMs: number): void {
    this.#openedAtMs = nowMs
  }

  /** A frame is whole: the next one has its own time. */
  frameEnded(): void {
    this.#frameBeganAtMs = undefined
  }

  /** @returns what took too long, or undefined */
  check(nowMs: number, progress: Progress): string | undefined {
    const { handshakeMs, stallMs, frameMs } = this.#limits
    if (progress.unsentBytes === 0 || progress.leftBytes !== this.#leftBytes) this.#tookAtMs = nowMs
    this.#leftBytes = progress.leftBytes
    if (nowMs - this.#tookAtMs > stallMs) return 'it took no byte of its replies'

    if (progress.isClosing) {
      this.#closingAtMs ??= nowMs
      const since = Math.max(this.#closingAtMs, progress.unsentBytes > 0 ? this.#tookAtMs : 0)
      return nowMs - since > LINGER_MS ? 'it did not close' : undefined
    }
    if (!this.isReady && nowMs - this.#openedAtMs > handshakeMs) return 'it did not authenticate'

    if (!progress.isFrameBegun) this.#frameBeganAtMs = undefined
    else this.#frameBeganAtMs ??= nowMs
    const isLate = this.#frameBeganAtMs !== undefined && nowMs - this.#frameBeganAtMs > frameMs
    return isLate ? 'a frame did not end' : undefined
  }
}
