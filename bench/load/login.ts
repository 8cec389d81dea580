import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { encodeFrame, HEADER_BYTES } from '../../protocol/frame.js'
import { decodeMessage, encodeRequest } from '../../protocol/message.js'
import { checkServerFinal, clientFinal, clientFirst, readServerFirst, type ScramKeys } from '../../protocol/scram.js'
import { PROTOCOL_VERSION } from '../../protocol/version.js'
import { wrongReply } from './conversation.js'

/** Keys of an account as they travel to a load process: base64. No load process pays for PBKDF2. */
export interface Account {
  readonly user: string
  readonly clientKey: string
  readonly serverKey: string
}

/** The client's side of one authentication, step by step. */
export class LoginSteps {
  readonly #keys: ScramKeys
  readonly #first: ReturnType<typeof clientFirst>
  #serverSignature: Uint8Array | undefined

  constructor({ user, clientKey, serverKey }: Account) {
    this.#keys = { clientKey: Buffer.from(clientKey, 'base64'), serverKey: Buffer.from(serverKey, 'base64') }
    this.#first = clientFirst(user, randomBytes(18).toString('base64'))
  }

  start(): Buffer {
    const params = {
      protocol: PROTOCOL_VERSION,
      client: 'bench',
      mechanism: 'SCRAM-SHA-256',
      data: this.#first.message,
    }
    return encodeFrame(encodeRequest(1, 'auth.start', params))
  }

  finish(reply: Buffer): Buffer {
    const { state } = readServerFirst(this.#first.state, dataOf(reply))
    const { message, serverSignature } = clientFinal(state, this.#keys)
    this.#serverSignature = serverSignature
    return encodeFrame(encodeRequest(2, 'auth.finish', { data: message }))
  }

  /** @throws when the daemon has not proven itself */
  check(reply: Buffer): void {
    checkServerFinal(this.#serverSignature ?? Buffer.alloc(0), dataOf(reply))
  }
}

function dataOf(reply: Buffer): Uint8Array {
  const message = decodeMessage(reply.subarray(HEADER_BYTES))
  if (message.kind !== 'reply' || message.error) throw wrongReply('the authentication', reply)
  return (message.result as { data: Uint8Array }).data
}
