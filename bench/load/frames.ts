import { encodeFrame, HEADER_BYTES } from '../../protocol/frame.js'
import { encodeRequest } from '../../protocol/message.js'
import { wrongReply } from './conversation.js'

/** Ids from here on have one width, so that they can be written into a frame that is encoded already. */
const FIRST_ID = 0x10000
/** [0, id, ...: length prefix, array of 4, type, head of uint32. */
const ID_AT = HEADER_BYTES + 3
/** The same two bytes and the head in a reply, then nil for no error behind the id. */
const NIL = 0xc0

/** A request that is encoded once: places in it are overwritten for each use. */
export class RequestFrame {
  readonly bytes: Buffer
  readonly #method: string
  #id: number = FIRST_ID

  constructor(method: string, params: unknown) {
    this.#method = method
    this.bytes = encodeFrame(encodeRequest(FIRST_ID, method, params))
  }

  /** Offset of this text in the frame. */
  placeOf(text: string | Buffer): number {
    const place = this.bytes.indexOf(text)
    if (place < 0) throw new Error(`${this.#method} does not contain ${text}`)
    return place
  }

  /** The frame under a new id. */
  fresh(): Buffer {
    this.#id = this.#id === 0xffff_ffff ? FIRST_ID : this.#id + 1
    this.bytes.writeUInt32BE(this.#id, ID_AT)
    return this.bytes
  }

  /** Of the last `fresh`. */
  get id(): number {
    return this.#id
  }

  /** @throws Error when `reply`, with its length prefix, is no result of the last `fresh` */
  check(reply: Buffer): void {
    const isResult = reply[ID_AT - 2] === 1 && idIn(reply) === this.#id && reply[ID_AT + 4] === NIL
    if (!isResult) throw wrongReply(this.#method, reply)
  }
}

/** Which request a reply, with its length prefix, is to. */
export const idIn = (reply: Buffer): number => reply.readUInt32BE(ID_AT)

/** Bytes of the frame at the head of `bytes`, with its prefix, or 0 while a part of it is missing. */
export function frameBytes(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES) return 0
  const whole = HEADER_BYTES + bytes.readUInt32BE(0)
  return bytes.length >= whole ? whole : 0
}

/** Stands for a job in a frame that is encoded: no id that is written over it is wider. */
export const JOB_PLACEHOLDER = 0x7fff_ffff
export const LEASE_PLACEHOLDER = 'f'.repeat(32)
const LEASE_KEY = Buffer.from('\xa5lease\xd9\x20', 'latin1')
const JOB_KEY = Buffer.from('\xa3job', 'latin1')

/** A request about a job that is held: acknowledge or finish. */
export class HeldFrame extends RequestFrame {
  readonly #jobAt: number
  readonly #leaseAt: number

  constructor(method: string, params: object) {
    super(method, { job: JOB_PLACEHOLDER, lease: LEASE_PLACEHOLDER, ...params })
    this.#jobAt = this.placeOf(JOB_KEY) + JOB_KEY.length + 1
    this.#leaseAt = this.placeOf(LEASE_PLACEHOLDER)
  }

  /** Names job and lease of a grant, as the reply to job.claim holds them. */
  name(grant: Grant): void {
    this.bytes.writeUInt32BE(grant.job, this.#jobAt)
    this.bytes.write(grant.lease, this.#leaseAt, 'latin1')
  }
}

export interface Grant {
  readonly job: number
  readonly lease: string
}

/** Found, not decoded: decoding a whole grant would cost more than anything else here. @throws Error without one */
export function grantIn(reply: Buffer): Grant {
  const leaseAt = reply.indexOf(LEASE_KEY)
  const jobAt = reply.indexOf(JOB_KEY)
  if (leaseAt < 0 || jobAt < 0) throw wrongReply('job.claim', reply)
  const start = leaseAt + LEASE_KEY.length
  return { job: readInt(reply, jobAt + JOB_KEY.length), lease: reply.toString('latin1', start, start + 32) }
}

/** A MessagePack integer below 2^32. */
function readInt(bytes: Buffer, at: number): number {
  const head = bytes[at]!
  if (head === 0xcc) return bytes[at + 1]!
  if (head === 0xcd) return bytes.readUInt16BE(at + 1)
  return head === 0xce ? bytes.readUInt32BE(at + 1) : head
}
