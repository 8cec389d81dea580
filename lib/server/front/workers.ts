import { existsSync } from 'node:fs'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { DaemonConfig, RetentionConfig } from '../../base/config.js'
import type { LogRecord } from '../../base/log.js'
import type { FromThread, FromWriterThread, ThreadData, ToWriterThread, WriterThreadData } from '../ports.js'
import type { ConnectionId, Counters } from '../writer/writer.js'
import { StartError } from './start-error.js'
import type { RunningThread, StartThread, ThreadHandlers } from './thread-link.js'

const MIB = 1024 * 1024
/** Chunks of logs and artifacts that are done with are freed when this is full of small objects: little, and often. */
const YOUNG_MIB_MAX = 6
/** connection/thread.ts and writer/thread.ts, as the build has bundled them beside the bundle that this file is part of. */
const CONNECTION_THREAD = new URL('./connection.js', import.meta.url)
const WRITER_THREAD = new URL('./writer.js', import.meta.url)

/** The writer thread as the main thread sees it. */
export interface WriterThread {
  /** Hands it one end of a new channel; returns the other one. */
  link(link: number): MessageChannel['port1']
  /** The thread behind `link` is gone, and so are these connections. */
  died(link: number, connections: readonly ConnectionId[]): void
  /** Resolves when it has answered: what there is at this moment. */
  ping(): Promise<Counters>
  configure(retention: RetentionConfig): void
  /** Resolves when it has ended in order. */
  stop(): Promise<void>
  terminate(): void
}

export interface WriterThreadParts {
  readonly data: WriterThreadData
  onLogs(logs: readonly LogRecord[]): void
  /** It ended unasked: the process must end too. */
  onDeath(error: unknown): void
}

/**
 * Starts the thread that writes; resolves when the database is open.
 * @throws StartError when the database cannot be opened
 */
export function startWriterThread({ data, onLogs, onDeath }: WriterThreadParts): Promise<WriterThread> {
  const worker = new Worker(built(WRITER_THREAD), { workerData: data })
  const tell = (message: ToWriterThread, transfer: MessageChannel['port1'][] = []): void =>
    worker.postMessage(message, transfer)
  let isStopping: boolean = false
  let escaped: unknown
  const pings: ((counters: Counters) => void)[] = []
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  const thread: WriterThread = {
    link(link) {
      const { port1, port2 } = new MessageChannel()
      tell({ kind: 'link', link, port: port2 }, [port2])
      return port1
    },
    died: (link, connections) => tell({ kind: 'died', link, connections }),
    ping() {
      tell({ kind: 'ping' })
      return new Promise(resolve => pings.push(resolve))
    },
    configure: retention => tell({ kind: 'retention', retention }),
    stop() {
      isStopping = true
      tell({ kind: 'stop' })
      return exited
    },
    terminate() {
      isStopping = true
      void worker.terminate()
    },
  }
  return new Promise((resolve, reject) => {
    let isUp: boolean = false
    worker.on('error', error => {
      escaped = error
    })
    worker.on('exit', () => {
      if (!isUp) reject(escaped ?? new Error('the writer thread ended before it was up'))
      else if (!isStopping) onDeath(escaped)
    })
    worker.on('message', (message: FromWriterThread) => {
      if (message.kind === 'logs') onLogs(message.logs)
      else if (message.kind === 'pong') pings.shift()?.(message.counters)
      else if (message.kind === 'refused') {
        const cause = new Error(message.message)
        cause.stack = message.stack
        reject(new StartError(`cannot open the database in ${data.dataDir}: ${message.message}`, 1, { cause }))
      } else {
        isUp = true
        resolve(thread)
      }
    })
  })
}

/** How connection threads are started: each with a port of its own to the writer thread. */
export function connectionThreads(
  config: Pick<DaemonConfig, 'threadHeapBytes'>,
  data: Omit<ThreadData, 'thread' | 'writer'>,
  writer: Pick<WriterThread, 'link' | 'died'>,
): StartThread {
  let lastLink = 0
  return (thread: number, handlers: ThreadHandlers): RunningThread => {
    const link = ++lastLink
    const port = writer.link(link)
    const worker = new Worker(built(CONNECTION_THREAD), {
      workerData: { ...data, thread, writer: port } satisfies ThreadData,
      transferList: [port],
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil(config.threadHeapBytes / MIB),
        maxYoungGenerationSizeMb: YOUNG_MIB_MAX,
      },
    })
    let escaped: unknown
    worker.on('message', (message: FromThread) => handlers.onMessage(message))
    worker.on('error', error => {
      escaped = error
    })
    worker.on('exit', () => {
      const connections = handlers.onExit(escaped)
      writer.died(link, connections)
    })
    return {
      post: (message, transfer) => worker.postMessage(message, transfer),
      terminate: () => void worker.terminate(),
    }
  }
}

function built(url: URL): URL {
  if (!existsSync(url))
    throw new Error(`${url.pathname} is missing: threads run from the build, npm run build makes it`)
  return url
}
