import { randomBytes } from 'node:crypto'
import type { ScramLogin } from '../../../lib/client/authenticate.js'
import { encodeFrame, FrameDecoder } from '../../../protocol/frame.js'
import { LIMITS } from '../../../protocol/limits.js'
import { decodeMessage, encodeNotice, encodeRequest, type Message } from '../../../protocol/message.js'
import { clientFinal, clientFirst, deriveKeys, readServerFirst, type ScramKeys } from '../../../protocol/scram.js'
import { PROTOCOL_VERSION } from '../../../protocol/version.js'
import type { TestDaemon } from '../../helpers/daemon.js'

type Reply = Extract<Message, { kind: 'reply' }>

/** A client that follows no rule: it says what the test tells it to. */
export interface RawPeer {
  /** Sends a whole frame with this body. */
  frame(body: Uint8Array): void
  request(id: number, method: string, params: unknown): void
  cancel(id: number): void
  /** The next message of the daemon, in the order sent; undefined when the connection has ended. */
  next(): Promise<Message | undefined>
  /** The next message, which has to be a reply. */
  reply(): Promise<Reply>
  /** Does both steps of the authentication; returns the second reply. */
  authenticate(login: ScramLogin): Promise<Reply>
  pause(): void
  resume(): void
  destroy(): void
}

export async function openPeer({ dial, address }: Pick<TestDaemon, 'dial' | 'address'>): Promise<RawPeer> {
  const wire = await dial(address)
  const decoder = new FrameDecoder(LIMITS.replyBytesMax.value)
  const arrived: (Message | undefined)[] = []
  const waiting: ((message: Message | undefined) => void)[] = []
  let ended: boolean = false
  const hand = (message: Message | undefined): void => {
    const wake = waiting.shift()
    if (wake) wake(message)
    else arrived.push(message)
  }
  wire.listen({
    onData(bytes) {
      decoder.push(bytes)
      for (let body = decoder.next(); body; body = decoder.next()) hand(decodeMessage(body, LIMITS.replyBytesMax.value))
    },
    onClose() {
      ended = true
      hand(undefined)
    },
  })
  const frame = (body: Uint8Array): void => {
    wire.write(encodeFrame(body))
  }
  const next = async (): Promise<Message | undefined> => {
    if (arrived.length > 0) return arrived.shift()
    return ended ? undefined : await new Promise(resolve => waiting.push(resolve))
  }
  const peer: RawPeer = {
    ...{ frame, next },
    request: (id, method, params) => frame(encodeRequest(id, method, params)),
    cancel: id => frame(encodeNotice('request.cancel', { request: id })),
    async reply() {
      const message = await next()
      if (message?.kind !== 'reply') throw new Error(`no reply but ${JSON.stringify(message)}`)
      return message
    },
    async authenticate(login) {
      peer.request(2, 'auth.finish', { data: await proofFor(peer, login) })
      return await peer.reply()
    },
    pause: () => wire.pause(),
    resume: () => wire.resume(),
    destroy: () => wire.destroy(),
  }
  return peer
}

/** Does the first step and returns client-final-message. */
export async function proofFor(peer: RawPeer, login: ScramLogin): Promise<Uint8Array> {
  const { params, state } = startParams(login.user)
  peer.request(1, 'auth.start', params)
  const reply = await peer.reply()
  if (reply.error) throw new Error(reply.error.code)
  const challenge = readServerFirst(state, (reply.result as { data: Uint8Array }).data)
  return clientFinal(challenge.state, await keysOf(login, challenge)).message
}

export function startParams(user: string) {
  const { message, state } = clientFirst(user, randomBytes(18).toString('base64'))
  const params = { protocol: PROTOCOL_VERSION, client: 'test', mechanism: 'SCRAM-SHA-256', data: message }
  return { params, state }
}

const keysOf = async (
  login: ScramLogin,
  { salt, iterations }: { salt: Uint8Array; iterations: number },
): Promise<ScramKeys> => ('keys' in login ? login.keys : await deriveKeys(login.password, salt, iterations))
