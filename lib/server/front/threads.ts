import type { Clock } from '../../base/clock.js'
import type { Log, LogRecord } from '../../base/log.js'
import type { FromThread } from '../ports.js'
import type { ConnectionId } from '../writer/writer.js'
import type { FrontConnection } from './connection.js'
import { deliver } from './deliver.js'
import { type StartThread, ThreadLink } from './thread-link.js'

/** A thread without connections ends after this, but for one. */
const IDLE_MS = 30_000
/** Time for a thread to end by itself once it is told to. */
const RETIRE_MS = 5_000
/** After a thread that could not even start. */
const RESTART_MS = 1_000

export interface PoolParts {
  readonly start: StartThread
  /** Most threads, or one for each connection, which ends with it. */
  readonly threads: number | 'per-connection'
  /** Connections and 1 of each thread, 0 where there is none. */
  readonly counts: Int32Array
  readonly clock: Clock
  readonly log: Log
  onLogs(logs: readonly LogRecord[]): void
}

/** Gives threads to connections, starts them ahead of need, ends idle ones, and outlives each of them. */
export class ThreadPool {
  readonly #parts: PoolParts
  readonly #links = new Set<ThreadLink>()
  #isStopping: boolean = false
  #startAgainAtMs = 0
  #changed: () => void = () => {}

  constructor(parts: PoolParts) {
    this.#parts = parts
  }

  /** Starts the thread that is warm for the first connection. @throws what escaped when it ended before it was up */
  async warmUp(): Promise<void> {
    const link = this.#start()
    await this.#until(() => link.state !== 'starting')
    if (link.state === 'ended') throw new Error('the first connection thread ended before it was up')
  }

  /** The thread of a new connection: one of its own while there is one, else the one with the fewest. */
  take(): ThreadLink {
    return this.#free()[0] ?? (this.#mayStart() ? this.#start() : this.#fewest())
  }

  /** Tells the thread of its new connection, and starts the next thread ahead of need. */
  open(link: ThreadLink, connection: FrontConnection): void {
    link.open(connection)
    this.#count(link)
    this.#keepWarm()
  }

  closed(link: ThreadLink, connection: ConnectionId): void {
    if (link.state === 'ended') return
    link.close(connection)
    this.#count(link)
    if (link.connections.size > 0) return
    link.idleSinceMs = this.#parts.clock.monotonicMs()
    if (this.#parts.threads === 'per-connection') this.#retire(link)
  }

  /** Called a few times a second. */
  sweep(nowMs: number): void {
    for (const link of this.#links)
      if (link.state === 'retiring' && nowMs - link.idleSinceMs > RETIRE_MS) link.terminate()
    if (this.#isStopping) return
    const free = this.#free()
    for (const link of free.slice(1)) if (nowMs - link.idleSinceMs > IDLE_MS) this.#retire(link)
    this.#keepWarm()
  }

  /** Resolves when every thread has answered what it had in hand, or is gone. */
  async drain(): Promise<void> {
    this.#isStopping = true
    for (const link of this.#links) link.drain()
    await this.#until(() => [...this.#links].every(link => link.isDrained))
  }

  /** Resolves when every thread has ended by itself; it must have no connection any more. */
  async end(): Promise<void> {
    this.#isStopping = true
    for (const link of this.#links) this.#retire(link)
    await this.#until(() => this.#links.size === 0)
  }

  terminate(): void {
    this.#isStopping = true
    for (const link of this.#links) link.terminate()
  }

  #free(): ThreadLink[] {
    return [...this.#links]
      .filter(link => link.connections.size === 0 && link.state !== 'retiring')
      .sort((a, b) => Number(b.state === 'up') - Number(a.state === 'up'))
  }

  #fewest(): ThreadLink {
    const links = [...this.#links].filter(link => link.state !== 'retiring')
    return links.reduce((best, link) => (link.connections.size < best.connections.size ? link : best))
  }

  #mayStart(): boolean {
    const { threads } = this.#parts
    if (threads === 'per-connection') return true
    const live = [...this.#links].filter(link => link.state !== 'retiring').length
    return live < threads
  }

  #keepWarm(): void {
    if (this.#isStopping || this.#free().length > 0 || !this.#mayStart()) return
    if (this.#parts.clock.monotonicMs() >= this.#startAgainAtMs) this.#start()
  }

  #start(): ThreadLink {
    const { start, clock } = this.#parts
    const taken = new Set([...this.#links].map(link => link.index))
    let index = 0
    while (taken.has(index)) index++
    const link: ThreadLink = new ThreadLink(
      index,
      start,
      { onMessage: message => this.#receive(link, message), onExit: error => this.#exited(link, error) },
      clock.monotonicMs(),
    )
    this.#links.add(link)
    this.#count(link)
    return link
  }

  #retire(link: ThreadLink): void {
    if (link.state === 'retiring' || link.state === 'ended') return
    link.state = 'retiring'
    link.idleSinceMs = this.#parts.clock.monotonicMs()
    link.drain()
  }

  #receive(link: ThreadLink, message: FromThread): void {
    if (message.logs) this.#parts.onLogs(message.logs)
    if (message.up && link.state === 'starting') {
      link.state = 'up'
      for (const connection of link.connections.values()) connection.threadIsUp(this.#parts.clock.monotonicMs())
    }
    if (message.drained) link.isDrained = true
    deliver(message, link.connections)
    this.#changed()
  }

  #exited(link: ThreadLink, error: unknown): readonly ConnectionId[] {
    const { log, clock, counts } = this.#parts
    // A thread that is drained and has no connection ends before it is told to.
    const isToEnd = link.state === 'retiring' || this.#isStopping
    const isExpected = isToEnd && link.connections.size === 0 && error === undefined
    if (link.state === 'starting') this.#startAgainAtMs = clock.monotonicMs() + RESTART_MS
    link.state = 'ended'
    this.#links.delete(link)
    if (link.index < counts.length) Atomics.store(counts, link.index, 0)
    const connections = [...link.connections.keys()]
    if (!isExpected)
      log.error('a connection thread died', { thread: link.index, connections: connections.length }, error)
    for (const connection of link.connections.values()) connection.destroy()
    this.#keepWarm()
    this.#changed()
    return connections
  }

  #count(link: ThreadLink): void {
    const { counts } = this.#parts
    if (link.index < counts.length) Atomics.store(counts, link.index, link.connections.size + 1)
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo())
      await new Promise<void>(resolve => {
        const before = this.#changed
        this.#changed = () => {
          before()
          resolve()
        }
      })
  }
}
