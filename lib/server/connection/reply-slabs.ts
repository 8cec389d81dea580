import { LIMITS } from '../../../protocol/limits.js'
import { REPLY_HEAD_BYTES } from '../../../protocol/message.js'
import { ALONE_BYTES_MIN } from '../front/packing.js'
import type { ConnectionId } from '../writer/writer.js'

/** Room for a reply with the largest chunk. */
const SLAB_BYTES = LIMITS.replyBytesMax.value
const SLABS_MAX = 3

/**
 * Memory for large replies that this thread and the main thread share, used again and again. Of memory that is
 * transferred each chunk would be new, and the garbage of both threads' heaps as soon as it is sent: they collect that
 * late and at length. A slab is free again when its reply has left, which the credit of the connection tells.
 */
export interface ReplySlabs {
  /** A slab to read into, behind room for the head; undefined where so many bytes need none, or none is free. */
  take(bytes: number): Buffer | undefined
  /** What was taken is not needed any more, unless a reply that lies in it was lent. */
  giveBack(taken: Buffer): void
  /** To be called with every reply, in order. @returns its bytes, in a slab where they are many and one is free */
  lend(connection: ConnectionId, body: Uint8Array): Uint8Array
  /** So many bytes of replies have left. */
  left(connection: ConnectionId, bytes: number): void
  /** Main will send nothing more of this connection. */
  closed(connection: ConnectionId): void
}

interface Unsent {
  bytes: number
  /** Oldest first; untilBytes counts down with what leaves. */
  readonly lent: { readonly slab: SharedArrayBuffer; untilBytes: number }[]
}

export function createReplySlabs(): ReplySlabs {
  const free: SharedArrayBuffer[] = []
  const taken = new Set<ArrayBufferLike>()
  /** Of every connection that was answered: one for each answer would be garbage at once. */
  const unsent = new Map<ConnectionId, Unsent>()
  let made = 0

  const take = (bytes: number): SharedArrayBuffer | undefined => {
    if (bytes < ALONE_BYTES_MIN || bytes > SLAB_BYTES) return undefined
    const slab = free.pop()
    if (slab || made === SLABS_MAX) return slab
    made++
    return new SharedArrayBuffer(SLAB_BYTES)
  }

  const begin = (connection: ConnectionId): Unsent => {
    const line: Unsent = { bytes: 0, lent: [] }
    unsent.set(connection, line)
    return line
  }

  return {
    take(bytes) {
      const slab = take(bytes + REPLY_HEAD_BYTES)
      if (slab) taken.add(slab)
      return slab && Buffer.from(slab, REPLY_HEAD_BYTES, bytes)
    },
    giveBack({ buffer }) {
      if (taken.delete(buffer)) free.push(buffer as SharedArrayBuffer)
    },
    lend(connection, body) {
      const line = unsent.get(connection) ?? begin(connection)
      line.bytes += body.length
      const isInSlab = taken.delete(body.buffer)
      const slab = isInSlab ? (body.buffer as SharedArrayBuffer) : take(body.length)
      if (!slab) return body
      line.lent.push({ slab, untilBytes: line.bytes })
      if (isInSlab) return body
      const view = new Uint8Array(slab, 0, body.length)
      view.set(body)
      return view
    },
    left(connection, bytes) {
      const line = unsent.get(connection)
      if (!line) return
      line.bytes -= bytes
      for (const lent of line.lent) lent.untilBytes -= bytes
      while (line.lent[0] && line.lent[0].untilBytes <= 0) free.push(line.lent.shift()!.slab)
    },
    closed(connection) {
      for (const { slab } of unsent.get(connection)?.lent ?? []) free.push(slab)
      unsent.delete(connection)
    },
  }
}
