import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Test } from 'tap'
import { recordLog } from '../../../lib/base/log.js'
import type { Address } from '../../../lib/base/wire.js'
import { connectionsByThread, createCounts } from '../../../lib/server/front/counts.js'
import { Front, type FrontParts } from '../../../lib/server/front/front.js'
import { listen } from '../../../lib/server/front/listener.js'
import { type AddressedFrame, packFrames, unpackFrames } from '../../../lib/server/front/packing.js'
import type { RunningThread, ThreadHandlers } from '../../../lib/server/front/thread-link.js'
import { ThreadPool } from '../../../lib/server/front/threads.js'
import type { TlsMaterial } from '../../../lib/server/front/tls-material.js'
import { type ReadableMetrics, sharedMetrics } from '../../../lib/server/metrics/metrics.js'
import type { FromThread, Opened, ToThread } from '../../../lib/server/ports.js'
import { encodeFrame, FrameDecoder } from '../../../protocol/frame.js'
import { type Name, parseName } from '../../../protocol/ids.js'
import { FakeClock } from '../../helpers/clock.js'

/**
 * A thread that answers each frame with itself, in this process. The first frame makes a connection ready, but for
 * `more` and `close`, which ask for that verdict, and says who authenticated; `park` is never answered, `reply N` with
 * N bytes.
 */
export class EchoThread implements RunningThread {
  readonly index: number
  readonly received: { connection: number; body: string }[] = []
  readonly opened: number[] = []
  readonly openings: Opened[] = []
  readonly closed: number[] = []
  credits = 0
  isTerminated: boolean = false
  readonly #handlers: ThreadHandlers
  readonly #ready = new Set<number>()

  constructor(index: number, handlers: ThreadHandlers) {
    this.index = index
    this.#handlers = handlers
    setImmediate(() => this.say({ up: true }))
  }

  post({ opened, frames, credits, closed, drain }: ToThread): void {
    this.opened.push(...opened.map(({ connection }) => connection))
    this.openings.push(...opened)
    const replies: AddressedFrame[] = []
    const verdicts: FromThread['verdicts'][number][] = []
    for (const { connection, body } of unpackFrames(frames)) {
      const text = body.toString('latin1', 0, 64)
      this.received.push({ connection, body: text })
      const [, bytes] = /^reply (\d+)/.exec(text) ?? []
      if (text !== 'park') replies.push({ connection, body: bytes ? Buffer.alloc(Number(bytes)) : Buffer.from(body) })
      if (text === 'close') verdicts.push({ connection, kind: 'close' })
      else if (text === 'more') verdicts.push({ connection, kind: 'more' })
      else if (!this.#ready.has(connection)) {
        this.#ready.add(connection)
        const user = parseName(text) ?? ('somebody' as Name)
        verdicts.push({ connection, kind: 'ready', frameBytesMax: 1024 * 1024, user })
      }
    }
    for (const [, bytes] of credits) this.credits += bytes
    this.closed.push(...closed)
    if (replies.length + verdicts.length > 0)
      setImmediate(() => this.say({ frames: packFrames(replies).frames, verdicts }))
    if (drain) {
      setImmediate(() => this.say({ drained: true }))
      if (this.closed.length === this.opened.length) setImmediate(() => this.end(undefined))
    }
  }

  say(message: Partial<FromThread>): void {
    if (!this.isTerminated) this.#handlers.onMessage({ frames: [], handled: [], verdicts: [], ...message })
  }

  terminate(): void {
    this.end(undefined)
  }

  /** The thread dies of `error`, or ends by itself. */
  end(error: unknown): void {
    if (this.isTerminated) return
    this.isTerminated = true
    this.#handlers.onExit(error)
  }
}

export interface EchoFront {
  readonly address: Address
  readonly front: Front
  readonly pool: ThreadPool
  readonly clock: FakeClock
  readonly threads: readonly EchoThread[]
  readonly logged: readonly string[]
  readonly metrics: ReadableMetrics
  /** Connections of each thread. */
  counts(): number[]
  /** @param from one of the addresses of loopback */
  open(from?: string): Promise<Peer>
}

/** The main thread's part with real sockets on loopback, echo threads and a clock that the test moves. */
export async function startEchoFront(
  t: Test,
  options: {
    readonly threads?: number | 'per-connection'
    readonly tls?: TlsMaterial
  } & Partial<FrontParts['config']> = {},
): Promise<EchoFront> {
  const { threads = 4, tls, ...given } = options
  const clock = new FakeClock()
  const echoes: EchoThread[] = []
  const logged: string[] = []
  const log = recordLog('debug', ({ message, facts }) => logged.push(`${message} ${JSON.stringify(facts ?? {})}`))
  const counts = createCounts()
  const start = (index: number, handlers: ThreadHandlers): EchoThread => {
    const echo = new EchoThread(index, handlers)
    echoes.push(echo)
    return echo
  }
  const pool = new ThreadPool({ start, threads, counts: new Int32Array(counts), clock, log, onLogs() {} })
  await pool.warmUp()
  const MIB = 1024 * 1024
  const config = {
    byteBudgetBytes: 64 * MIB,
    connectionsMax: 100,
    connectionsPerAddressMax: 100,
    connectionsPerUserMax: 100,
    frameBytesMax: MIB,
    stallTimeoutMs: 30_000,
    frameTimeoutMs: 60_000,
    ...given,
  }
  const metrics = sharedMetrics()
  const front = new Front({ config, tls, pool, clock, log, metrics })
  const listener = await listen({
    ...{ host: '127.0.0.1', port: 0, allowPlaintext: false, isEncrypted: false },
    onSocket: socket => front.accept(socket),
  })
  t.teardown(() => {
    listener.close()
    front.stop()
    pool.terminate()
  })
  const { address } = listener
  const open = async (from?: string): Promise<Peer> => {
    const peer = await openPeer(address, from, tls !== undefined)
    t.teardown(() => peer.socket.destroy())
    return peer
  }
  const byThread = (): number[] => connectionsByThread(counts).map(({ connections }) => connections)
  return { address, front, pool, clock, threads: echoes, logged, metrics, counts: byThread, open }
}

export interface Peer {
  readonly socket: Socket
  send(body: string | Buffer): void
  /** The next frame's body, or undefined when the connection ended before. */
  next(): Promise<Buffer | undefined>
  readonly closed: Promise<void>
}

function openPeer({ host, port }: Address, from: string | undefined, isEncrypted: boolean): Promise<Peer> {
  const where = { host, port, ...(from !== undefined && { localAddress: from }) }
  const socket = isEncrypted
    ? connectTls({ ...where, rejectUnauthorized: false })
    : connect({ ...where, noDelay: true })
  const decoder = new FrameDecoder(64 * 1024 * 1024)
  let wake: () => void = () => {}
  let isClosed = false
  const closed = new Promise<void>(resolve => {
    socket.on('close', () => {
      isClosed = true
      wake()
      resolve()
    })
  })
  socket.on('data', (chunk: Buffer) => {
    decoder.push(chunk)
    wake()
  })
  const next = async (): Promise<Buffer | undefined> => {
    for (;;) {
      const body = decoder.next()
      if (body || isClosed) return body
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  const send = (body: string | Buffer): void => void socket.write(encodeFrame(Buffer.from(body)))
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once(isEncrypted ? 'secureConnect' : 'connect', () => {
      socket.off('error', reject).on('error', () => {})
      resolve({ socket, send, next, closed })
    })
  })
}

/** Lets the loop turn until `isSo`. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
}
