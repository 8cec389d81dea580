/** One connection's part of a load: each reply is followed by what it allows to be asked. */
export interface Conversation {
  /** The first request. */
  begin(): Buffer
  /** Bytes of the whole reply at the head of `bytes`, or 0 while a part of it is missing. */
  replyBytes(bytes: Buffer): number
  /**
   * Checks a reply and returns what is to be sent, which is valid until the next call: one request, two at once, or
   * NOTHING where another reply comes first; undefined when there is no more.
   * @throws Error when it is not the right answer
   */
  next(reply: Buffer): Buffer | undefined
  /** What was done so far: one job is one operation, however many requests it took. */
  readonly operations: number
}

/** To be sent where another reply is waited for. */
export const NOTHING = Buffer.alloc(0)

/** The reply as far as a person needs it to see what went wrong. */
export const wrongReply = (what: string, reply: Buffer): Error =>
  new Error(`${what} was answered with ${JSON.stringify(reply.toString('latin1').slice(0, 300))}`)
