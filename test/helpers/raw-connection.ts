import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { Address } from '../../lib/base/wire.js'
import { encodeFrame, FrameDecoder } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { decodeMessage, encodeRequest, type Message } from '../../protocol/message.js'
import { clientFinal, clientFirst, readServerFirst, type ScramKeys } from '../../protocol/scram.js'
import { PROTOCOL_VERSION } from '../../protocol/version.js'
import { exercised } from './exercised.js'

/** A connection that sends what a test wants, also what no client would. */
export class RawConnection {
  readonly socket: Socket
  /** Resolves when the connection has ended, however. */
  readonly closed: Promise<void>
  /** Code of the last error that came. */
  refusal: string | undefined
  readonly #decoder = new FrameDecoder(LIMITS.frameBytesMax.value)
  #wake: () => void = () => {}
  #isClosed: boolean = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#isClosed = true
        this.#wake()
        resolve()
      })
    })
    socket.on('data', (chunk: Buffer) => {
      this.#decoder.push(chunk)
      this.#wake()
    })
  }

  send(id: number, method: string, params: unknown): void {
    this.socket.write(encodeFrame(encodeRequest(id, method, params)))
  }

  /** The next frame, or undefined when the connection ended first. */
  async next(): Promise<Message | undefined> {
    for (;;) {
      const body = this.#decoder.next()
      if (body) {
        const message = decodeMessage(body)
        if (message.kind === 'reply' && message.error) {
          exercised('error', message.error.code)
          this.refusal = message.error.code
        }
        return message
      }
      if (this.#isClosed) return undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** First message of the authentication. */
  start(user: string, client: string): ReturnType<typeof clientFirst>['state'] {
    const first = clientFirst(user, randomBytes(18).toString('base64'))
    const params = { protocol: PROTOCOL_VERSION, client, mechanism: 'SCRAM-SHA-256', data: first.message }
    this.send(1, 'auth.start', params)
    return first.state
  }

  /** Both messages; `derive` turns what the daemon keeps of the password into keys. */
  async login(user: string, derive: (salt: Uint8Array, iterations: number) => Promise<ScramKeys>): Promise<void> {
    const state = this.start(user, 'raw')
    const challenge = result(await this.next())
    const { salt, iterations, state: next } = readServerFirst(state, challenge.data as Uint8Array)
    const { message } = clientFinal(next, await derive(salt, iterations))
    this.send(2, 'auth.finish', { data: message })
    result(await this.next())
  }
}

export function openRaw({ host, port }: Address): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(new RawConnection(socket))
    })
  })
}

function result(message: Message | undefined): Record<string, unknown> {
  if (message?.kind !== 'reply' || message.error) throw new Error(`no result: ${JSON.stringify(message)}`)
  return message.result as Record<string, unknown>
}
