/** A byte pipe in both directions: TCP in the programs, memory in tests and in the simulation. */
export interface Wire {
  /** With TLS: what binds an authentication to this very connection, by the names of RFC 5929 and RFC 9266. */
  readonly bindings?: Readonly<Record<string, Uint8Array>>
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
  /** The bytes are valid during the call only, unless they lie in `room`. */
  onData(bytes: Buffer): void
  /** Where the next bytes had best be put, if that matters; asked before each read. */
  room?(): Buffer | undefined
  onDrain?(): void
  /** Called exactly once, whoever closed; `error` when the pipe broke. */
  onClose(error?: Error): void
}

/**
 * @param security how the daemon is known; without it nothing is sent beyond this machine
 * @throws Error with a `code` such as ECONNREFUSED when there is no way through
 */
export type Dial = (address: Address, security?: Security) => Promise<Wire>

/** How a daemon is known, and what is shown to it. PEM. */
export interface Security {
  readonly trust:
    | { readonly kind: 'plaintext' }
    /** SHA-256 of its certificate, as parseFingerprint returns it. */
    | { readonly kind: 'pin'; readonly fingerprint: string }
    /** Its certificate is signed by one of these, for its name. */
    | { readonly kind: 'ca'; readonly authorities: string }
  readonly identity?: { readonly certificates: string; readonly key: string } | undefined
}

export interface Address {
  readonly host: string
  readonly port: number
}
