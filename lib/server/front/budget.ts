/** A connection that holds no more than this goes on when the budget is spent, and waits in no line for small frames. */
export const LITTLE_BYTES = 16 * 1024

/** How far beyond the budget what was under way already may go before connections are closed for it. */
const HARD_FACTOR = 1.25
/** Frames that have only begun to arrive may take this part: whole small frames always find room beside them. */
const RESERVED_PART = 0.5
/** And one account may take this part of that: it cannot keep the large frames of all others waiting. */
const HOLDER_PART = 0.25

/** A place in the line for room, or the room itself; released exactly once, by its holder. */
export class Reservation {
  readonly holder: string
  readonly bytes: number
  readonly onGranted: () => void
  isGranted: boolean = false
  /**
   * @param holder whose frame it is
   * @param onGranted called when the room is there, unless it was there at once
   */
  constructor(holder: string, bytes: number, onGranted: () => void) {
    this.holder = holder
    this.bytes = bytes
    this.onGranted = onGranted
  }
}

/**
 * The one account of all bytes that the main thread holds for its connections. Over the budget, whoever holds more than
 * LITTLE_BYTES reads no further; a frame that is announced as larger waits for its room, first come, first served but for
 * holders that have their part already.
 */
export class Budget {
  readonly bytesMax: number
  #usedBytes = 0
  #reservedBytes = 0
  readonly #reservedBy = new Map<string, number>()
  readonly #line = new Set<Reservation>()
  readonly #paused = new Set<() => void>()
  readonly #defer: (run: () => void) => void
  #isDeferred: boolean = false

  /** @param defer puts off what others are told until the caller is done: setImmediate in the daemon */
  constructor(bytesMax: number, defer: (run: () => void) => void = setImmediate) {
    this.bytesMax = bytesMax
    this.#defer = defer
  }

  /** Bytes held, with those that are reserved and have not arrived. */
  get usedBytes(): number {
    return this.#usedBytes
  }
  get isOver(): boolean {
    return this.#usedBytes > this.bytesMax
  }
  /** Pausing was not enough: connections have to be closed. */
  get isFarOver(): boolean {
    return this.#usedBytes > this.bytesMax * HARD_FACTOR
  }

  /** Counts bytes in (positive) or out (negative). */
  count(bytes: number): void {
    this.#usedBytes += bytes
    if (bytes < 0 && this.#paused.size > 0 && !this.isOver) this.#tellLater()
  }

  /** Calls `resume` once, later, when the budget is not exceeded any more. */
  onRelief(resume: () => void): void {
    this.#paused.add(resume)
  }
  forget(resume: () => void): void {
    this.#paused.delete(resume)
  }

  /** Asks for room for a frame; its holder counts the bytes once it is granted. */
  reserve(holder: string, bytes: number, onGranted: () => void): Reservation {
    const reservation = new Reservation(holder, bytes, onGranted)
    if (this.#mayHave(reservation) && !this.#isAwaited() && this.#hasRoom(bytes)) this.#take(reservation)
    else this.#line.add(reservation)
    return reservation
  }

  release(reservation: Reservation): void {
    if (reservation.isGranted) this.#giveBack(reservation)
    else this.#line.delete(reservation)
    if (this.#line.size > 0) this.#tellLater()
  }

  /** A frame that alone is more than the part for reservations has its turn when nobody else holds any. */
  #hasRoom(bytes: number): boolean {
    return this.#reservedBytes === 0 || this.#reservedBytes + bytes <= this.bytesMax * RESERVED_PART
  }

  /** A holder has its turn with one frame, however large. */
  #mayHave({ holder, bytes }: Reservation): boolean {
    const held = this.#reservedBy.get(holder) ?? 0
    return held === 0 || held + bytes <= this.bytesMax * RESERVED_PART * HOLDER_PART
  }

  /** Whether somebody stands in line who waits for others, not for itself. */
  #isAwaited(): boolean {
    for (const reservation of this.#line) if (this.#mayHave(reservation)) return true
    return false
  }

  #take(reservation: Reservation): void {
    const { holder, bytes } = reservation
    reservation.isGranted = true
    this.#reservedBytes += bytes
    this.#reservedBy.set(holder, (this.#reservedBy.get(holder) ?? 0) + bytes)
  }

  #giveBack({ holder, bytes }: Reservation): void {
    const left = (this.#reservedBy.get(holder) ?? 0) - bytes
    this.#reservedBytes -= bytes
    if (left > 0) this.#reservedBy.set(holder, left)
    else this.#reservedBy.delete(holder)
  }

  #tellLater(): void {
    if (this.#isDeferred) return
    this.#isDeferred = true
    this.#defer(() => {
      this.#isDeferred = false
      this.#grant()
      this.#relieve()
    })
  }

  #grant(): void {
    for (const reservation of this.#line) {
      if (!this.#mayHave(reservation)) continue
      if (!this.#hasRoom(reservation.bytes)) return
      this.#line.delete(reservation)
      this.#take(reservation)
      reservation.onGranted()
    }
  }

  #relieve(): void {
    // Who pauses again at once comes after the others: a copy, so that its new entry is not met in this round.
    for (const resume of [...this.#paused]) {
      if (this.isOver) return
      this.#paused.delete(resume)
      resume()
    }
  }
}
