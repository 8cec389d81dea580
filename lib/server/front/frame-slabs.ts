import { Buffer } from 'node:buffer'
import type { FrameMemory } from '../../../protocol/frame.js'
import { LIMITS } from '../../../protocol/limits.js'
import { ALONE_BYTES_MIN } from './packing.js'

/** int32: whether somebody uses the slab. What follows begins at a multiple of eight. */
const STATE_BYTES = 8
const FREE = 0
const TAKEN = 1
/** Room for a frame with the largest chunk. */
const SLAB_BYTES = STATE_BYTES + LIMITS.frameBytesDefault.value
const SLABS_MAX = 4

/**
 * Memory for large frames that the main thread shares with one connection thread: sockets are read into it, and the
 * thread gives it back (`leaveSlab`) by a word in it, without a message. Frames that were transferred were new memory
 * each time, and garbage of the thread's heap afterwards. It goes with the thread.
 */
export function createFrameSlabs(): FrameMemory {
  const slabs: SharedArrayBuffer[] = []
  const free = (): SharedArrayBuffer | undefined => {
    const known = slabs.find(slab => Atomics.load(stateOf(slab), 0) === FREE)
    if (known || slabs.length === SLABS_MAX) return known
    const slab = new SharedArrayBuffer(SLAB_BYTES)
    slabs.push(slab)
    return slab
  }
  return {
    take(bytes) {
      const slab = bytes > ALONE_BYTES_MIN && bytes <= SLAB_BYTES - STATE_BYTES ? free() : undefined
      if (!slab) return undefined
      Atomics.store(stateOf(slab), 0, TAKEN)
      return Buffer.from(slab, STATE_BYTES, bytes)
    },
    giveBack: leaveSlab,
  }
}

/** Nobody looks at this frame any more. Does nothing where it lies in memory of its own. */
export function leaveSlab({ buffer }: Uint8Array): void {
  if (buffer instanceof SharedArrayBuffer) Atomics.store(stateOf(buffer), 0, FREE)
}

const stateOf = (slab: SharedArrayBuffer): Int32Array => new Int32Array(slab, 0, 1)
