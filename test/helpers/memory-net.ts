import type { Wire, WireHandlers } from '../../lib/base/wire.js'

/** Above this much unread, `write` says that the sender should wait. */
const HIGH_WATER_BYTES = 64 * 1024

/**
 * Two ends of a pipe in memory. Bytes arrive in order, after the current turn, never inside `write`. What a paused end
 * does not read stays queued and counts against its sender.
 * @param cutBytes hands bytes out in pieces of at most this size, as a slow line might
 */
export function memoryPair(cutBytes = Number.POSITIVE_INFINITY): [Wire, Wire] {
  const a = new MemoryWire(cutBytes)
  const b = new MemoryWire(cutBytes)
  a.connect(b)
  b.connect(a)
  return [a, b]
}

class MemoryWire implements Wire {
  readonly #cutBytes: number
  #peer: MemoryWire | undefined
  #handlers: WireHandlers | undefined
  readonly #inbox: Buffer[] = []
  #inboxBytes = 0
  #paused: boolean = false
  #pumping: boolean = false
  #senderWaits: boolean = false
  #ended: boolean = false
  /** The other end has ended: close when the inbox is empty. */
  #closing: boolean = false
  #closed: boolean = false

  constructor(cutBytes: number) {
    this.#cutBytes = cutBytes
  }
  connect(peer: MemoryWire): void {
    this.#peer = peer
  }
  listen(handlers: WireHandlers): void {
    this.#handlers = handlers
    if (this.#closed) queueMicrotask(() => handlers.onClose())
    else this.#pump()
  }
  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ended || !this.#peer) return false
    return this.#peer.#accept(Buffer.from(bytes))
  }
  pause(): void {
    this.#paused = true
  }
  resume(): void {
    this.#paused = false
    this.#pump()
  }
  end(): void {
    if (this.#closed || this.#ended) return
    this.#ended = true
    const peer = this.#peer
    if (!peer) return
    peer.#closing = true
    peer.#pump()
  }
  destroy(): void {
    if (this.#closed) return
    this.#close()
    const peer = this.#peer
    if (!peer) return
    peer.#closing = true
    peer.#pump()
  }

  drained(): void {
    this.#handlers?.onDrain?.()
  }
  peerClosed(): void {
    this.#close()
  }
  #accept(bytes: Buffer): boolean {
    if (this.#closed) return false
    if (bytes.length > 0) this.#inbox.push(bytes)
    this.#inboxBytes += bytes.length
    this.#pump()
    this.#senderWaits = this.#inboxBytes > HIGH_WATER_BYTES
    return !this.#senderWaits
  }
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      this.#deliver()
    })
  }
  #deliver(): void {
    const handlers = this.#handlers
    if (!handlers || this.#closed) return
    for (let chunk = this.#take(); chunk; chunk = this.#take()) {
      handlers.onData(chunk)
      if (this.#inboxBytes === 0 && this.#senderWaits) {
        this.#senderWaits = false
        this.#peer?.drained()
      }
    }
    if (this.#closing && this.#inbox.length === 0 && !this.#paused) {
      this.#close()
      this.#peer?.peerClosed()
    }
  }
  #take(): Buffer | undefined {
    const first = this.#inbox[0]
    if (this.#paused || this.#closed || !first) return undefined
    if (first.length <= this.#cutBytes) this.#inbox.shift()
    else this.#inbox[0] = first.subarray(this.#cutBytes)
    const taken = first.subarray(0, Math.min(first.length, this.#cutBytes))
    this.#inboxBytes -= taken.length
    return taken
  }
  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbox.length = 0
    this.#inboxBytes = 0
    const handlers = this.#handlers
    if (handlers) queueMicrotask(() => handlers.onClose())
  }
}
