import type { FileHandle } from 'node:fs/promises'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { JankinsError } from '../../protocol/errors.js'
import { LIMITS } from '../../protocol/limits.js'
import type { PartLength } from './blobs.js'
import type { Digest } from './digest.js'
import { syncDirectory } from './directories.js'
import { asStoreError, onDisk } from './disk-errors.js'
import { readAt, writeEnd } from './file-bytes.js'
import type { FilePool, OpenFile } from './file-pool.js'

const READ_BYTES = 1024 * 1024
/** Files whose checksum is remembered; one that is forgotten is read again when it is sealed. */
const STATES_MAX = 4_096

/**
 * Files that only grow, each with a running checksum. What is on the disk decides: another thread may have written
 * since. The caller makes sure that calls which change the same path come one after the other.
 */
export interface GrowingFiles<V> {
  /**
   * @param durableBytes what somebody else is known to have made durable: another thread, or an earlier start
   * @throws JankinsError E_OFFSET (detail.length), E_STORE_FULL: the file is as it was
   */
  append(path: string, offset: number, data: Uint8Array, durableBytes?: number): Promise<PartLength>
  /** 0 when there is no such file. */
  bytes(path: string): Promise<number>
  /** At most `bytesMax` bytes; fewer only at the end. @param into at least so long, to be read into */
  read(path: string, offset: number, bytesMax: number, into?: Buffer): Promise<Buffer>
  /** Makes the bytes durable, not the name, and tells the checksum of all of them. @param durableBytes as of append */
  seal(path: string, durableBytes?: number): Promise<{ readonly bytes: number; readonly digest: V }>
  /** Makes the bytes durable, not the name, without a look at them. @returns how many there are */
  sync(path: string): Promise<number>
  /** Shortens the file; at 0 it is removed, so that no other thread goes on with what it knows of it. */
  cut(path: string, bytes: number): Promise<void>
  /** Closes the file and forgets its checksum. */
  forget(path: string): void
}

interface State<V> {
  stamp: string
  digest: Digest<V>
  digestBytes: number
  durableBytes: number
  syncing: Promise<void> | undefined
  /** Why bytes behind durableBytes may be lost. */
  failure: unknown
}

export function createGrowingFiles<V>(pool: FilePool, newDigest: () => Digest<V>): GrowingFiles<V> {
  const states = new Map<string, State<V>>()

  /** What this thread knows of the file, if it is still the same file; `durableBytes` of it are durable at least. */
  function stateOf(path: string, file: OpenFile, durableBytes: number): State<V> {
    const known = states.get(path)
    states.delete(path)
    const fits = known && known.stamp === file.stamp && known.digestBytes <= file.bytes
    const state = fits ? known : newState(file.stamp, newDigest())
    state.durableBytes = Math.max(state.durableBytes, Math.min(durableBytes, file.bytes))
    states.set(path, state)
    for (const [oldest, { syncing, failure }] of states) {
      if (states.size <= STATES_MAX) break
      if (!syncing && !failure) states.delete(oldest)
    }
    return state
  }

  async function append(
    path: string,
    file: OpenFile,
    offset: number,
    data: Uint8Array,
    durableBytes: number,
  ): Promise<PartLength> {
    const state = stateOf(path, file, durableBytes)
    if (state.failure) await dropUnsafe(file.handle, state)
    if (offset > file.bytes) throw new JankinsError('E_OFFSET', { length: file.bytes })
    const fresh = data.subarray(file.bytes - offset)
    // The write is another thread's work: this one has the sum to make meanwhile.
    const writing = fresh.length > 0 ? writeEnd(file.handle, file.bytes, fresh) : undefined
    if (state.digestBytes === file.bytes) {
      state.digest.add(fresh)
      state.digestBytes += fresh.length
    }
    try {
      await writing
    } catch (error) {
      // It knows bytes that the file does not have: whoever seals reads them all.
      state.digest = newDigest()
      state.digestBytes = 0
      throw error
    }
    const length = file.bytes + fresh.length
    const isFarAhead = length - state.durableBytes >= LIMITS.undurableBytesMax.value
    if (isFarAhead && !state.syncing) state.syncing = syncInBackground(path, state)
    return { length, durableLength: state.durableBytes }
  }

  async function syncInBackground(path: string, state: State<V>): Promise<void> {
    try {
      await pool.read(path, async file => {
        if (file.stamp !== state.stamp) return
        await file.handle.datasync()
        // A file whose name a power loss takes is lost as a whole.
        if (state.durableBytes === 0) await syncDirectory(dirname(path))
        state.durableBytes = Math.max(state.durableBytes, file.bytes)
      })
    } catch (error) {
      state.failure = error
    } finally {
      state.syncing = undefined
    }
  }

  async function seal(path: string, file: OpenFile, durableBytes: number): Promise<{ bytes: number; digest: V }> {
    const state = stateOf(path, file, durableBytes)
    await state.syncing
    if (state.failure) await dropUnsafe(file.handle, state)
    await file.handle.datasync()
    state.durableBytes = file.bytes
    while (state.digestBytes < file.bytes) {
      const bytes = Math.min(READ_BYTES, file.bytes - state.digestBytes)
      const chunk = await readAt(file.handle, state.digestBytes, Buffer.allocUnsafeSlow(bytes))
      if (chunk.length === 0) break
      state.digest.add(chunk)
      state.digestBytes += chunk.length
    }
    return { bytes: state.digestBytes, digest: state.digest.value() }
  }

  return {
    async append(path, offset, data, durableBytes = 0) {
      const work = (file: OpenFile): Promise<PartLength> => append(path, file, offset, data, durableBytes)
      if (offset === 0 && data.length > 0) return onDisk(() => pool.write(path, work))
      const result = await onDisk(() => pool.read(path, work))
      if (result) return result
      if (offset > 0) throw new JankinsError('E_OFFSET', { length: 0 })
      return { length: 0, durableLength: 0 }
    },
    bytes: async path => (await pool.read(path, async file => file.bytes)) ?? 0,
    async read(path, offset, bytesMax, into) {
      const work = (file: OpenFile): Promise<Buffer> =>
        file.read(offset, Math.max(0, Math.min(bytesMax, file.bytes - offset)), into)
      return (await pool.read(path, work)) ?? Buffer.alloc(0)
    },
    async seal(path, durableBytes = 0) {
      const sealed = await onDisk(() => pool.read(path, file => seal(path, file, durableBytes)))
      return sealed ?? { bytes: 0, digest: newDigest().value() }
    },
    async sync(path) {
      const work = async (file: OpenFile): Promise<number> => {
        await file.handle.datasync()
        return file.bytes
      }
      return (await pool.read(path, work)) ?? 0
    },
    async cut(path, bytes) {
      states.delete(path)
      if (bytes > 0)
        return void (await pool.read(path, async file => {
          if (file.bytes > bytes) await file.handle.truncate(bytes)
        }))
      pool.forget(path)
      await rm(path, { force: true })
    },
    forget(path) {
      pool.forget(path)
      states.delete(path)
    },
  }
}

function newState<V>(stamp: string, digest: Digest<V>): State<V> {
  return { stamp, digest, digestBytes: 0, durableBytes: 0, syncing: undefined, failure: undefined }
}

/**
 * After a failed sync the kernel may have dropped bytes and will not say so again: only what was durable before is
 * kept, and the sender learns the new end when it asks again.
 */
async function dropUnsafe<V>(handle: FileHandle, state: State<V>): Promise<never> {
  const { failure } = state
  await handle.truncate(state.durableBytes)
  state.failure = undefined
  // The checksum knows bytes that are gone: another stamp makes a new one.
  state.stamp = ''
  throw asStoreError(failure)
}
