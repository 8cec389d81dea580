import type { Socket } from 'node:net'
import { type ErrorDetail, JankinsError } from '../../../protocol/errors.js'
import type { Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { Clock, Timer } from '../../base/clock.js'
import type { DaemonConfig } from '../../base/config.js'
import type { Facts, Log } from '../../base/log.js'
import type { Metrics } from '../metrics/metrics.js'
import { networkOf } from '../network.js'
import type { ConnectionId } from '../writer/writer.js'
import { Budget } from './budget.js'
import { type Channel, plainChannel } from './channel.js'
import { type ConnectionParts, FrontConnection, refusal } from './connection.js'
import { Tally } from './tally.js'
import type { ThreadPool } from './threads.js'
import { TlsDoor } from './tls-door.js'
import type { TlsMaterial } from './tls-material.js'

const SWEEP_MS = 500
/** Refused sockets that are given time to read why; what comes beyond is closed without a word. */
const REFUSED_MAX = 256

export type FrontConfig = Pick<
  DaemonConfig,
  | 'byteBudgetBytes'
  | 'connectionsMax'
  | 'connectionsPerAddressMax'
  | 'connectionsPerUserMax'
  | 'frameBytesMax'
  | 'stallTimeoutMs'
  | 'frameTimeoutMs'
>

export interface FrontParts {
  readonly config: FrontConfig
  /** Undefined: plain TCP. */
  readonly tls?: TlsMaterial | undefined
  readonly pool: ThreadPool
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

/** All connections of the daemon: takes sockets in, gives each a thread, looks after deadlines and the budget. */
export class Front {
  readonly budget: Budget
  readonly #parts: FrontParts
  readonly #connections = new Map<ConnectionId, FrontConnection>()
  readonly #byAddress = new Tally()
  readonly #byUser = new Tally()
  readonly #refused = new Set<Socket>()
  #config: FrontConfig
  readonly #door: TlsDoor | undefined
  #lastId = 0
  #timer: Timer | undefined
  #onEmpty: () => void = () => {}

  constructor(parts: FrontParts) {
    this.#parts = parts
    this.#config = parts.config
    this.budget = new Budget(parts.config.byteBudgetBytes)
    this.#door = parts.tls && this.#makeDoor(parts.tls)
    this.#sweepLater()
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** The limits of connections that come from now on; budget and largest frame stay. */
  configure(config: FrontConfig): void {
    this.#config = {
      ...config,
      byteBudgetBytes: this.#config.byteBudgetBytes,
      frameBytesMax: this.#config.frameBytesMax,
    }
  }

  /** Key and certificates for connections that come from now on; nothing where the wire is plaintext. */
  useTls(material: TlsMaterial): void {
    this.#door?.use(material)
  }

  /** @param accepted of a server with pauseOnConnect */
  accept(accepted: Socket): void {
    const nowMs = this.#parts.clock.monotonicMs()
    if (!this.#door) this.#welcome(plainChannel(accepted), accepted, nowMs)
    // A few more than there is room for: who is refused can only be told so after the handshake.
    else if (this.#limitReached(accepted, this.#door.pending, REFUSED_MAX)) {
      this.#parts.metrics.count('connectionRefused')
      accepted.destroy()
    } else this.#door.admit(accepted, nowMs)
  }

  /** Resolves when every connection has sent what waited and is closed, within a few seconds. */
  async closeAll(): Promise<void> {
    for (const socket of this.#refused) socket.destroy()
    if (this.#connections.size === 0) return
    const empty = new Promise<void>(resolve => {
      this.#onEmpty = resolve
    })
    for (const connection of this.#connections.values()) connection.close()
    await empty
  }

  /** Ends everything at once. */
  stop(): void {
    this.#timer?.cancel()
    for (const socket of this.#refused) socket.destroy()
    for (const connection of this.#connections.values()) connection.destroy()
    this.#door?.destroy()
  }

  #makeDoor(tls: TlsMaterial): TlsDoor {
    return new TlsDoor(tls, {
      onChannel: (channel, socket, sinceMs) => this.#welcome(channel, socket, sinceMs),
      onFailed: (address, why) => this.#logClosed({ address }, why),
    })
  }

  #logClosed(facts: Facts, why: string): void {
    this.#parts.log.info('closed a connection', { ...facts, why })
  }

  #welcome(channel: Channel, socket: Socket, sinceMs: number): void {
    const limit = this.#limitReached(socket)
    if (limit) this.#refuse(socket, limit)
    else this.#open(channel, networkOf(socket.remoteAddress ?? ''), sinceMs)
  }

  /**
   * The limit that lets no other connection of this network in.
   * @param pending connections that are to be counted too
   * @param moreCount let in beyond each limit
   */
  #limitReached({ remoteAddress = '' }: Socket, pending?: Tally, moreCount = 0): ErrorDetail | undefined {
    const { connectionsMax, connectionsPerAddressMax } = this.#config
    const network = networkOf(remoteAddress)
    if (this.#connections.size + (pending?.total ?? 0) >= connectionsMax + moreCount)
      return { connections: connectionsMax }
    if (this.#byAddress.of(network) + (pending?.of(network) ?? 0) >= connectionsPerAddressMax + moreCount)
      return { connectionsOfAddress: connectionsPerAddressMax }
    return undefined
  }

  #open(channel: Channel, network: string, sinceMs: number): void {
    const { pool, metrics } = this.#parts
    const config = this.#config
    metrics.count('connectionAccepted')
    this.#byAddress.add(network)
    const link = pool.take()
    const parts: ConnectionParts = {
      budget: this.budget,
      limits: {
        handshakeMs: LIMITS.handshakeMs.value,
        stallMs: config.stallTimeoutMs,
        frameMs: config.frameTimeoutMs,
      },
      frameBytesMax: config.frameBytesMax,
      sinceMs,
      admit: user => this.#admit(user),
      onClosed: connection => {
        this.#connections.delete(connection.id)
        this.#byAddress.remove(network)
        if (connection.user !== undefined) this.#byUser.remove(connection.user)
        pool.closed(link, connection.id)
        if (this.#connections.size === 0) this.#onEmpty()
      },
      onFarOver: () => this.#closeLargest(),
      onTlsSpoken: () => this.#logClosed({ address: channel.address }, 'it speaks TLS, and this port does not'),
    }
    // uint32 on the way to the threads: it comes round after 4 billion connections.
    do this.#lastId = (this.#lastId % 0xffff_ffff) + 1
    while (this.#connections.has(this.#lastId))
    const connection = new FrontConnection(this.#lastId, channel, link, parts)
    this.#connections.set(connection.id, connection)
    pool.open(link, connection)
  }

  /** @throws JankinsError E_TOO_MANY */
  #admit(user: Name): void {
    const { connectionsPerUserMax } = this.#config
    if (this.#byUser.of(user) >= connectionsPerUserMax) {
      this.#parts.metrics.count('connectionRefused')
      throw new JankinsError('E_TOO_MANY', { connectionsOfUser: connectionsPerUserMax })
    }
    this.#byUser.add(user)
  }

  #refuse(socket: Socket, limit: ErrorDetail): void {
    this.#parts.metrics.count('connectionRefused')
    socket.on('error', () => {})
    if (this.#refused.size >= REFUSED_MAX) {
      socket.destroy()
      return
    }
    this.#refused.add(socket)
    const timer = this.#parts.clock.after(LIMITS.handshakeMs.value, () => socket.destroy(), { background: true })
    socket.on('close', () => {
      timer.cancel()
      this.#refused.delete(socket)
    })
    // Unread bytes would turn the close into a reset, and the peer might never see why.
    socket.resume()
    socket.end(refusal(new JankinsError('E_TOO_MANY', limit)))
  }

  #closeLargest(): void {
    let largest: FrontConnection | undefined
    for (const connection of this.#connections.values())
      if (connection.heldBytes > (largest?.heldBytes ?? 0)) largest = connection
    if (!largest) return
    const { id, address, heldBytes } = largest
    this.#parts.log.warn('closed the connection that held most: the byte budget is exceeded', {
      connection: id,
      address,
      heldBytes,
    })
    largest.destroy()
  }

  #sweepLater(): void {
    this.#timer = this.#parts.clock.after(SWEEP_MS, () => this.#sweep(), { background: true })
  }

  #sweep(): void {
    const { clock, pool } = this.#parts
    const nowMs = clock.monotonicMs()
    for (const connection of this.#connections.values()) {
      const why = connection.sweep(nowMs)
      if (why) this.#logClosed({ connection: connection.id, address: connection.address }, why)
    }
    this.#door?.sweep(nowMs)
    pool.sweep(nowMs)
    this.#sweepLater()
  }
}
