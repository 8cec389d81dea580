/** What is wrong with the way to the daemon: nothing secret was sent. */
export type TransportFault = 'unknown-daemon' | 'speaks-plaintext' | 'other-certificate' | 'not-trusted'

/** The connection was made and is not used; the message says what to do. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly fault: TransportFault
  constructor(fault: TransportFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}
