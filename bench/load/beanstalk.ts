import type { Conversation } from './conversation.js'
import { NOTHING, wrongReply } from './conversation.js'
import { PARAMETER } from './queue.js'

/** As many bytes as a request of job.queue has. */
export const BODY = JSON.stringify({ action: 'bench', key: 'k'.repeat(16), parameters: PARAMETER }).padEnd(180)
export const PUT = Buffer.from(`put 0 0 120 ${BODY.length}\r\n${BODY}\r\n`, 'latin1')
export const RESERVE = Buffer.from('reserve-with-timeout 5\r\n', 'latin1')
const END = Buffer.from('\r\n', 'latin1')

/** Bytes of the line at the head of `bytes`, with its end, or 0. */
export const lineBytes = (bytes: Buffer): number => {
  const end = bytes.indexOf(END)
  return end < 0 ? 0 : end + END.length
}

/** A reply of beanstalkd: RESERVED is followed by the job. */
export function beanstalkReplyBytes(bytes: Buffer): number {
  const line = lineBytes(bytes)
  if (line === 0 || !bytes.subarray(0, 9).equals(RESERVED)) return line
  const [, , size] = bytes.toString('latin1', 0, line - END.length).split(' ')
  const whole = line + Number(size) + END.length
  return bytes.length < whole ? 0 : whole
}
const RESERVED = Buffer.from('RESERVED ', 'latin1')

export const deletion = (reservation: Buffer): Buffer => {
  const text = reservation.toString('latin1', 0, 40)
  if (!text.startsWith('RESERVED ')) throw wrongReply('reserve', reservation)
  return Buffer.from(`delete ${text.split(' ')[1]}\r\n`, 'latin1')
}

/** put, one job per request. */
export class PutConversation implements Conversation {
  operations = 0

  begin(): Buffer {
    return PUT
  }
  replyBytes(bytes: Buffer): number {
    return lineBytes(bytes)
  }
  next(reply: Buffer): Buffer {
    if (reply.toString('latin1', 0, 9) !== 'INSERTED ') throw wrongReply('put', reply)
    this.operations++
    return PUT
  }
}

/** reserve and delete: what a worker does with a job that takes no time. The next reserve goes along with the delete. */
export class TakeConversation implements Conversation {
  operations = 0

  begin(): Buffer {
    return RESERVE
  }
  replyBytes(bytes: Buffer): number {
    return beanstalkReplyBytes(bytes)
  }
  next(reply: Buffer): Buffer {
    if (reply.subarray(0, RESERVED.length).equals(RESERVED)) return Buffer.concat([deletion(reply), RESERVE])
    if (reply.toString('latin1', 0, 7) !== 'DELETED') throw wrongReply('delete', reply)
    this.operations++
    return NOTHING
  }
}
