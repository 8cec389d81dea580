import { randomBytes } from 'node:crypto'
import type { Conversation } from './conversation.js'
import { wrongReply } from './conversation.js'
import { frameBytes, RequestFrame } from './frames.js'

/** What a queued job carries in every bench, of jankins and of its peers. */
export const PARAMETER = { name: 'PARAMETER', value: 'x'.repeat(100) } as const
export const ACTION = 'bench'

const KEY_PLACEHOLDER = 'k'.repeat(16)
const JOBS_KEY = Buffer.from('\x81\xa4jobs\x91', 'latin1')

/** job.queue, one job per request, each under a key of its own. The keys are in no order, as those of clients. */
export class QueueConversation implements Conversation {
  operations = 0
  readonly #frame: RequestFrame
  readonly #keyAt: number
  readonly #seed = randomBytes(4).readUInt32BE()

  constructor(action = ACTION) {
    const parameters = [[PARAMETER.name, PARAMETER.value]]
    this.#frame = new RequestFrame('job.queue', { action, key: KEY_PLACEHOLDER, parameters })
    this.#keyAt = this.#frame.placeOf(KEY_PLACEHOLDER)
    this.#frame.bytes.write(randomBytes(4).toString('hex'), this.#keyAt + 8, 'latin1')
  }

  begin(): Buffer {
    // An odd factor: each count gives another key.
    const key = Math.imul(this.operations + this.#seed, 0x9e3779b1) >>> 0
    for (let digit = 0; digit < 8; digit++)
      this.#frame.bytes[this.#keyAt + digit] = 0x61 + ((key >>> (4 * digit)) & 0xf)
    return this.#frame.fresh()
  }

  replyBytes(bytes: Buffer): number {
    return frameBytes(bytes)
  }

  next(reply: Buffer): Buffer {
    this.#frame.check(reply)
    if (reply.indexOf(JOBS_KEY) < 0) throw wrongReply('job.queue', reply)
    this.operations++
    return this.begin()
  }
}
