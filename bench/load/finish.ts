import { randomBytes } from 'node:crypto'
import type { Conversation } from './conversation.js'
import { wrongReply } from './conversation.js'
import { frameBytes, grantIn, HeldFrame, RequestFrame } from './frames.js'

const CLAIM_PLACEHOLDER = 'c'.repeat(32)
const WAIT_MS = 5_000
const EMPTY_STREAM = { bytes: 0, crc32: 0 }
const COMPLETE = Buffer.from('COMPLETE')

export const attachFrame = (worker: string, slots = 1): RequestFrame =>
  new RequestFrame('worker.attach', {
    ...{ worker, instance: randomBytes(16).toString('hex'), labels: [], slots, version: 'bench' },
  })

/** A worker's claim; each call of `fresh` makes another one. */
export class ClaimFrame extends RequestFrame {
  readonly #claimAt: number

  constructor() {
    super('job.claim', { claim: CLAIM_PLACEHOLDER, waitMs: WAIT_MS })
    this.#claimAt = this.placeOf(CLAIM_PLACEHOLDER)
  }

  override fresh(): Buffer {
    this.bytes.write(randomBytes(16).toString('hex'), this.#claimAt, 'latin1')
    return super.fresh()
  }
}

export const acknowledgeFrame = (): HeldFrame => new HeldFrame('job.acknowledge', {})
export const finishFrame = (): HeldFrame =>
  new HeldFrame('job.finish', { exitCode: 0, stdout: EMPTY_STREAM, stderr: EMPTY_STREAM })

/** Claim, acknowledge, finish, as a worker whose jobs take no time. */
export class FinishConversation implements Conversation {
  operations = 0
  readonly #claim = new ClaimFrame()
  readonly #acknowledge = acknowledgeFrame()
  readonly #finish = finishFrame()
  #asked: 'claim' | 'acknowledge' | 'finish' = 'claim'

  begin(): Buffer {
    this.#asked = 'claim'
    return this.#claim.fresh()
  }

  replyBytes(bytes: Buffer): number {
    return frameBytes(bytes)
  }

  next(reply: Buffer): Buffer {
    switch (this.#asked) {
      case 'claim': {
        this.#claim.check(reply)
        const grant = grantIn(reply)
        this.#acknowledge.name(grant)
        this.#finish.name(grant)
        this.#asked = 'acknowledge'
        return this.#acknowledge.fresh()
      }
      case 'acknowledge':
        this.#acknowledge.check(reply)
        this.#asked = 'finish'
        return this.#finish.fresh()
      case 'finish':
        this.#finish.check(reply)
        if (reply.indexOf(COMPLETE) < 0) throw wrongReply('job.finish', reply)
        this.operations++
        return this.begin()
    }
  }
}
