/** A byte pipe in both directions: TCP in the programs, memory in tests and in the simulation. */
export interface Wire {
  /** Queues bytes in order. Returns false when the sender should wait for `onDrain`. */
  write(bytes: Uint8Array): boolean
  /** Stops and restarts `onData`; bytes stay at the sender. */
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once; what is queued may be lost. */
  destroy(): void
  /** Each handler is set once, before the first byte is handed out. */
  listen(handlers: WireHandlers): void
}

export interface WireHandlers {
  onData(bytes: Buffer): void
  onDrain?(): void
  /** Called exactly once, whoever closed; `error` when the pipe broke. */
  onClose(error?: Error): void
}

/** @throws Error with a `code` such as ECONNREFUSED when there is no way through */
export type Dial = (address: Address) => Promise<Wire>

export interface Address {
  readonly host: string
  readonly port: number
}
