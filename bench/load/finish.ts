import { randomBytes } from 'node:crypto'
import type { Conversation } from './conversation.js'
import { NOTHING, wrongReply } from './conversation.js'
import { frameBytes, grantIn, HeldFrame, idIn, RequestFrame } from './frames.js'

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

/**
 * Claim, acknowledge, finish, as a worker whose jobs take no time: the next claim goes along with the finish, and may be
 * answered before it, since it waits for no commit.
 */
export class FinishConversation implements Conversation {
  operations = 0
  readonly #claim = new ClaimFrame()
  readonly #acknowledge = acknowledgeFrame()
  readonly #finish = finishFrame()
  /** Ids of those that are not answered: one, or two where the next acknowledgement is answered first. */
  readonly #finishing = new Set<number>()
  #asked: 'claim' | 'acknowledge' = 'claim'

  begin(): Buffer {
    this.#asked = 'claim'
    return this.#claim.fresh()
  }

  replyBytes(bytes: Buffer): number {
    return frameBytes(bytes)
  }

  next(reply: Buffer): Buffer {
    if (this.#finishing.delete(idIn(reply))) {
      if (reply.indexOf(COMPLETE) < 0) throw wrongReply('job.finish', reply)
      this.operations++
      return NOTHING
    }
    if (this.#asked === 'claim') {
      this.#claim.check(reply)
      const grant = grantIn(reply)
      this.#acknowledge.name(grant)
      this.#finish.name(grant)
      this.#asked = 'acknowledge'
      return this.#acknowledge.fresh()
    }
    this.#acknowledge.check(reply)
    const finish = this.#finish.fresh()
    this.#finishing.add(this.#finish.id)
    return Buffer.concat([finish, this.begin()])
  }
}
