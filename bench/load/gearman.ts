import { BODY } from './beanstalk.js'
import type { Conversation } from './conversation.js'
import { wrongReply } from './conversation.js'

/** Packet types of the protocol of gearmand. */
export const TYPES = {
  canDo: 1,
  preSleep: 4,
  noop: 6,
  jobCreated: 8,
  grabJob: 9,
  noJob: 10,
  jobAssign: 11,
  workComplete: 13,
  submitBackground: 18,
} as const
const HEADER_BYTES = 12

export function packet(type: number, ...parts: readonly string[]): Buffer {
  const body = Buffer.from(parts.join('\0'), 'latin1')
  const head = Buffer.alloc(HEADER_BYTES)
  head.write('\0REQ', 'latin1')
  head.writeUInt32BE(type, 4)
  head.writeUInt32BE(body.length, 8)
  return Buffer.concat([head, body])
}

export const typeOf = (reply: Buffer): number => reply.readUInt32BE(4)
export const bodyOf = (reply: Buffer): string => reply.toString('latin1', HEADER_BYTES)

export function gearmanReplyBytes(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES) return 0
  const whole = HEADER_BYTES + bytes.readUInt32BE(8)
  return bytes.length < whole ? 0 : whole
}

/** Background jobs, each with a unique id of its own. */
export class SubmitConversation implements Conversation {
  operations = 0
  readonly #prefix = Math.random().toString(36).slice(2)

  begin(): Buffer {
    return packet(TYPES.submitBackground, 'bench', `${this.#prefix}${this.operations}`, BODY)
  }
  replyBytes(bytes: Buffer): number {
    return gearmanReplyBytes(bytes)
  }
  next(reply: Buffer): Buffer {
    if (typeOf(reply) !== TYPES.jobCreated) throw wrongReply('submit', reply)
    this.operations++
    return this.begin()
  }
}
