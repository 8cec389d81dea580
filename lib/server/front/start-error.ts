/** The daemon cannot start; the message is one line that says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError'
  /** 1: the world is not as needed; 2: wrong use or configuration. */
  readonly exitCode: 1 | 2
  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
