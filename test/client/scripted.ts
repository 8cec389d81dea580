import type { Dial, Wire } from '../../lib/base/wire.js'
import type { Login } from '../../lib/client/authenticate.js'
import { encodeFrame, FrameDecoder } from '../../protocol/frame.js'
import type { Name } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { decodeMessage, encodeReply, type Message } from '../../protocol/message.js'
import {
  type ClientFirst,
  credentialOf,
  deriveKeys,
  readClientFirst,
  type ServerState,
  serverFinal,
  serverFirst,
} from '../../protocol/scram.js'
import { memoryPair } from '../helpers/memory-net.js'

type Answer = (message: Message, far: Wire) => void

const salt = Buffer.alloc(16, 7)
const iterations = LIMITS.scramIterationsMin.value
const keys = await deriveKeys('x', salt, iterations)
const credential = credentialOf(keys, salt, iterations)

/** The account that a scripted daemon knows. */
export const scriptedLogin: Login = { user: 'ada' as Name, salt, iterations, keys }

/** A daemon that does what the test says: handed each message, it writes what it likes. */
export function scriptedDial(answer: Answer): Dial {
  return async () => {
    const [near, far] = memoryPair()
    const decoder = new FrameDecoder(LIMITS.frameBytesMax.value)
    far.listen({
      onData(bytes) {
        decoder.push(bytes)
        for (let body = decoder.next(); body; body = decoder.next()) answer(decodeMessage(body), far)
      },
      onClose() {},
    })
    return near
  }
}

/** The same after it has let `scriptedLogin` in. */
export function readyDial(answer: Answer): Dial {
  return address => {
    let state: ServerState | undefined
    return scriptedDial((message, far) => {
      if (message.kind !== 'request' || !message.method.startsWith('auth.')) return answer(message, far)
      const { data } = message.params as { data: Uint8Array }
      const reply = state ? ready(state, data) : begin(readClientFirst(data))
      far.write(encodeFrame(encodeReply(message.id, reply)))
    })(address)

    function begin(first: ClientFirst): object {
      const made = serverFirst(first, credential, 'nonce of the daemon')
      state = made.state
      return { data: made.message }
    }
  }
}

const ready = (state: ServerState, data: Uint8Array): object => ({
  data: serverFinal(state, credential, data),
  role: 'admin',
  server: 'jankinsd of a test',
  frameBytesMax: LIMITS.frameBytesDefault.value,
  nowMs: 0,
})

/** What server.status may answer. */
export const statusReply = {
  version: '1',
  startedAtMs: 0,
  nowMs: 0,
  connections: 0,
  threads: [],
  pending: 0,
  running: 0,
  workers: 0,
  claimsParked: 0,
  memoryBytes: 0,
}
