import { createHistogram } from 'node:perf_hooks'
import type { Conversation } from './conversation.js'
import { openSocket } from './socket.js'

/** What one load process saw. Times of operations in ms. */
export interface Load {
  readonly operations: number
  readonly seconds: number
  /** CPU time of the load process itself meanwhile. */
  readonly cpuSeconds: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** A connection that is ready to carry a conversation. */
export interface Talk {
  /** Sends the first request. */
  start(): void
  /** Rejects when an answer was wrong. */
  readonly ended: Promise<void>
  destroy(): void
}

export interface Limits {
  readonly seconds: number
  /** Of this process; no limit when missing. */
  readonly operationsMax?: number | undefined
  readonly operationsPerSecond?: number | undefined
}

/** Runs all conversations at once, each request as soon as the reply before it is there, until time or work is over. */
export const runLoop = (talks: readonly Talk[], counts: Counts): Promise<Load> =>
  measureLoad(counts, async () => {
    for (const talk of talks) talk.start()
    await Promise.all(talks.map(talk => talk.ended))
  })

/** @param run counts its operations and their times until `endsAtMs`, which is set before */
export async function measureLoad(counts: Counts, run: () => Promise<unknown>): Promise<Load> {
  const cpu = process.cpuUsage()
  const startedAtMs = performance.now()
  counts.endsAtMs = startedAtMs + counts.limits.seconds * 1000
  await run()
  const seconds = (performance.now() - startedAtMs) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const { times } = counts
  return {
    operations: counts.operations,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    p50: times.percentile(50) / 1e6,
    p99: times.percentile(99) / 1e6,
    max: times.max / 1e6,
  }
}

/** Shared by the talks of one process. */
export interface Counts {
  readonly limits: Limits
  readonly times: ReturnType<typeof createHistogram>
  endsAtMs: number
  operations: number
}

export const countsFor = (limits: Limits): Counts => ({ limits, times: createHistogram(), endsAtMs: 0, operations: 0 })

/** @param greet logs in, where that is needed, and resolves when the conversation may begin */
export async function openTalk(
  port: number,
  conversation: Conversation,
  counts: Counts,
  greet?: (write: (bytes: Buffer) => void, onBytes: (take: (bytes: Buffer) => void) => void) => Promise<void>,
): Promise<Talk> {
  let take: (bytes: Buffer) => void = () => {}
  let end: () => void = () => {}
  let fail: (error: Error) => void = () => {}
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  const socket = await openSocket(port, bytes => take(bytes))
  await greet?.(
    bytes => socket.write(bytes),
    taker => {
      take = taker
    },
  )
  const isPaced = counts.limits.operationsPerSecond !== undefined
  let pending: Buffer | undefined
  let askedAtMs = 0
  let operations = conversation.operations
  let isOver: boolean = false
  function answer(reply: Buffer): void {
    const request = conversation.next(reply)
    isOver = request === undefined
    if (conversation.operations !== operations) {
      const nowMs = performance.now()
      operations = conversation.operations
      counts.operations++
      counts.times.record(Math.max(1, Math.round((nowMs - askedAtMs) * 1e6)))
      askedAtMs = nowMs
      isOver ||= nowMs >= counts.endsAtMs || counts.operations >= (counts.limits.operationsMax ?? Infinity)
    }
    if (isOver) end()
    else if (request!.length === 0) return
    else if (isPaced) setTimeout(() => socket.write(request!), pauseMs(counts))
    else socket.write(request!)
  }
  const lengthOf = (bytes: Buffer): number => (bytes.length > 0 ? conversation.replyBytes(bytes) : 0)
  take = bytes => {
    try {
      let rest: Buffer = pending ? Buffer.concat([pending, bytes]) : bytes
      // What was asked for along with the last request of all is answered to nobody.
      for (let length = lengthOf(rest); length > 0 && !isOver; length = lengthOf(rest)) {
        answer(rest.subarray(0, length))
        rest = rest.subarray(length)
      }
      pending = rest.length > 0 ? Buffer.from(rest) : undefined
    } catch (error) {
      fail(error as Error)
    }
  }
  return {
    start() {
      askedAtMs = performance.now()
      socket.write(conversation.begin())
    },
    ended,
    destroy: () => socket.destroy(),
  }
}

/** How far the operations of the process are ahead of their pace. */
function pauseMs({ limits, operations, endsAtMs }: Counts): number {
  const startedAtMs = endsAtMs - limits.seconds * 1000
  const dueAtMs = startedAtMs + (operations * 1000) / (limits.operationsPerSecond ?? Infinity)
  return Math.max(0, dueAtMs - performance.now())
}
