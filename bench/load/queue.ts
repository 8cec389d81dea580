import { randomBytes } from 'node:crypto'
import type { Conversation } from './conversation.js'
import { wrongReply } from './conversation.js'
import { frameBytes, RequestFrame } from './frames.js'

/** What a queued job carries in every bench, of jankins and of its peers. */
export const PARAMETER = { name: 'PARAMETER', value: 'x'.repeat(100) } as const
export const ACTION = 'bench'

/** As long as the keys that the command makes, and like them: the time in 12 hex digits, then what nobody else has. */
const KEY_PLACEHOLDER = 'k'.repeat(49)
const TIME_DIGITS = 12
const JOBS_KEY = Buffer.from('\x81\xa4jobs\x91', 'latin1')

/** job.queue, one job per request, each under a key of its own. */
export class QueueConversation implements Conversation {
  operations = 0
  readonly #frame: RequestFrame
  readonly #keyAt: number

  constructor(action = ACTION) {
    const parameters = [[PARAMETER.name, PARAMETER.value]]
    this.#frame = new RequestFrame('job.queue', { action, key: KEY_PLACEHOLDER, parameters })
    this.#keyAt = this.#frame.placeOf(KEY_PLACEHOLDER)
    const random = randomBytes(18).toString('hex')
    this.#frame.bytes.write(random, this.#keyAt + KEY_PLACEHOLDER.length - random.length, 'latin1')
  }

  begin(): Buffer {
    const key = `${Date.now().toString(16).padStart(TIME_DIGITS, '0')}-${this.operations.toString(16)}-`
    this.#frame.bytes.write(key, this.#keyAt, 'latin1')
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
