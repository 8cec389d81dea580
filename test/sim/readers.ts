import { Buffer } from 'node:buffer'
import { readLog } from '../../lib/client/log.js'
import { connectResilient } from '../../lib/client/resilient.js'
import { STREAMS, type Stream } from '../../protocol/fields.js'
import type { JobId } from '../../protocol/ids.js'
import type { KeyLogin } from '../helpers/daemon.js'
import type { Network } from './network.js'
import { Actor, MachineTime, type World } from './world.js'

/** What was read of one stream of one attempt. */
export interface ReadStream {
  readonly job: JobId
  readonly attempt: number
  readonly stream: Stream
  readonly bytes: Buffer
}

export interface ReaderParts {
  readonly world: World
  readonly network: Network
  readonly login: KeyLogin
  /** Jobs that may be asked for. */
  jobs(): readonly JobId[]
  /** Changes when bytes of a log were taken away: what both streams are together begins anew then. */
  cutCount(): number
  /** Told after each piece. */
  onRead(read: ReadStream, wasCut: boolean): void
  /** The reader was told that this attempt has nothing more. */
  onEnd(read: ReadStream, wasCut: boolean): void
}

const PAUSE_MS_MAX = 2_000
const RETRY_MS = 5_000

/** Somebody who follows logs, one after the other, from the first byte of a job to its last. */
export class SimReader {
  isDone: boolean = false
  readonly #parts: ReaderParts
  readonly #actor = new Actor('reader', new MachineTime('reader', 1_000))

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /** Begins with no other log after that time. */
  start(untilMs: number): void {
    void this.#work(untilMs)
  }

  async #work(untilMs: number): Promise<void> {
    const { world } = this.#parts
    while (world.nowMs < untilMs) {
      await world.pause(world.random.int(0, PAUSE_MS_MAX), this.#actor)
      const jobs = this.#parts.jobs()
      // A daemon that is away for long ends the following; the next one begins at the first byte again.
      if (jobs.length > 0)
        await this.#follow(world.random.pick(jobs), world.random.pick([...STREAMS, 'all'])).catch(() => {})
    }
    this.isDone = true
  }

  async #follow(job: JobId, stream: Stream | 'all'): Promise<void> {
    const { world, network, login, cutCount, onRead, onEnd } = this.#parts
    const address = { host: 'simulated', port: 5265 }
    const clock = world.clockOf(this.#actor)
    const dial = network.dialFrom(this.#actor)
    const client = await connectResilient({ dial, address, login, clock, retryMs: RETRY_MS })
    const before = cutCount()
    const isSure = (): boolean => stream !== 'all' || cutCount() === before
    try {
      let attempt = 0
      const read: Record<Stream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
      const tell = (to: ReaderParts['onEnd']): void => {
        if (!isSure() || attempt === 0) return
        for (const of of stream === 'all' ? STREAMS : [stream])
          to({ job, attempt, stream: of, bytes: read[of] }, cutCount() !== before)
      }
      for await (const piece of readLog(client, { job, stream, follow: true })) {
        if (piece.attempt !== attempt) {
          tell(onEnd)
          attempt = piece.attempt
          Object.assign(read, { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) })
        }
        read[piece.stream] = Buffer.concat([read[piece.stream], piece.data])
        tell(onRead)
      }
      tell(onEnd)
    } finally {
      client.close()
    }
  }
}
