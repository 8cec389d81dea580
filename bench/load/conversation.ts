/** One connection's part of a load: each request waits for the reply to the one before it. */
export interface Conversation {
  /** The first request. */
  begin(): Buffer
  /** Bytes of the whole reply at the head of `bytes`, or 0 while a part of it is missing. */
  replyBytes(bytes: Buffer): number
  /**
   * Checks a reply and returns the next request, which is valid until the next call; undefined when there is no more.
   * @throws Error when it is not the right answer
   */
  next(reply: Buffer): Buffer | undefined
  /** What was done so far: one job is one operation, however many requests it took. */
  readonly operations: number
}

/** The reply as far as a person needs it to see what went wrong. */
export const wrongReply = (what: string, reply: Buffer): Error =>
  new Error(`${what} was answered with ${JSON.stringify(reply.toString('latin1').slice(0, 300))}`)
