import { Session } from '../../../lib/server/connection/session.js'
import type { Verdict } from '../../../lib/server/ports.js'
import { LIMITS } from '../../../protocol/limits.js'
import { decodeMessage, encodeNotice, encodeRequest, type Message } from '../../../protocol/message.js'
import { clientFinal, readServerFirst } from '../../../protocol/scram.js'
import type { KeyLogin, TestDaemon } from '../../helpers/daemon.js'
import { startParams } from './peer.js'

type Reply = Extract<Message, { kind: 'reply' }>

/** A session without any front: the test sees each thing that it says, and gives the credit. */
export interface BareSession {
  readonly session: Session
  /** Frames that were dealt with, the two of the authentication included. */
  handledCount(): number
  /** How often it said that nothing is in hand any more. */
  idleCount(): number
  /** Bytes of all replies so far. */
  sentBytes(): number
  /** Frames since the authentication that nothing looks at any more, in that order; once for each time it was told. */
  readonly done: readonly Uint8Array[]
  readonly verdicts: readonly Verdict[]
  request(id: number, method: string, params: unknown): void
  cancel(id: number): void
  /** The next reply, as soon as there is one. */
  reply(): Promise<Reply>
  /** Replies that nobody has taken yet. */
  waitingCount(): number
}

let connections = 1_000_000

/** Through authentication, with the start's credit given back. Closed by the caller. */
export async function readySession(daemon: TestDaemon, login: KeyLogin): Promise<BareSession> {
  const arrived: Reply[] = []
  const wakes: ((reply: Reply) => void)[] = []
  const verdicts: Verdict[] = []
  const done: Uint8Array[] = []
  let handled = 0
  let idle = 0
  let sent = 0
  const session = new Session(
    daemon.services,
    { connection: ++connections, address: 'bare' },
    {
      send(body) {
        sent += body.length
        handled++
        const reply = decodeMessage(body, LIMITS.replyBytesMax.value) as Reply
        const wake = wakes.shift()
        if (wake) wake(reply)
        else arrived.push(reply)
      },
      handled: () => handled++,
      idle: () => idle++,
      done: body => done.push(body),
      verdict: verdict => verdicts.push(verdict),
    },
  )
  const bare: BareSession = {
    ...{ session, done, verdicts, handledCount: () => handled, idleCount: () => idle, sentBytes: () => sent },
    waitingCount: () => arrived.length,
    request: (id, method, params) => session.receive(encodeRequest(id, method, params)),
    cancel: id => session.receive(encodeNotice('request.cancel', { request: id })),
    reply: async () => arrived.shift() ?? (await new Promise(resolve => wakes.push(resolve))),
  }
  const { params, state } = startParams(login.user)
  bare.request(1, 'auth.start', params)
  const { result } = (await bare.reply()) as { result: { data: Uint8Array } }
  const challenge = readServerFirst(state, result.data)
  bare.request(2, 'auth.finish', { data: clientFinal(challenge.state, login.keys).message })
  await bare.reply()
  session.credit(sent)
  return bare
}
