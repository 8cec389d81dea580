import { type LoadSocket, openSocket } from './socket.js'

/** A connection for benches that look at single messages: what is sent and what is awaited are apart. */
export class Line {
  readonly #replyBytes: (bytes: Buffer) => number
  readonly #replies: Buffer[] = []
  #wake: (() => void) | undefined
  #pending: Buffer = Buffer.alloc(0)
  #socket: LoadSocket | undefined

  private constructor(replyBytes: (bytes: Buffer) => number) {
    this.#replyBytes = replyBytes
  }

  /** @param replyBytes bytes of the whole reply at the head of what came, or 0 */
  static async open(port: number, replyBytes: (bytes: Buffer) => number): Promise<Line> {
    const line = new Line(replyBytes)
    line.#socket = await openSocket(port, bytes => line.#receive(bytes))
    return line
  }

  send(bytes: Buffer): void {
    this.#socket?.write(bytes)
  }

  /** The next reply, in the order of arrival. */
  async reply(): Promise<Buffer> {
    for (;;) {
      const reply = this.#replies.shift()
      if (reply) return reply
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  async ask(bytes: Buffer): Promise<Buffer> {
    this.send(bytes)
    return await this.reply()
  }

  end(): void {
    this.#socket?.destroy()
  }

  #receive(bytes: Buffer): void {
    let rest = Buffer.concat([this.#pending, bytes])
    for (let length = this.#replyBytes(rest); length > 0; length = this.#replyBytes(rest)) {
      this.#replies.push(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    this.#pending = rest
    this.#wake?.()
  }
}
